SET 'execution.runtime-mode' = 'batch';
SELECT * FROM (SELECT auction, price, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC, ts) AS r FROM bids) WHERE r > 2
