SET 'execution.runtime-mode' = 'batch';
SELECT * FROM (SELECT auction, price, RANK() OVER (PARTITION BY auction ORDER BY price DESC) AS r FROM bids) WHERE r <= 2
