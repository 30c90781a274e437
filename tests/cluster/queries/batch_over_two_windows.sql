SET 'execution.runtime-mode' = 'batch';
SELECT * FROM (
  SELECT auction, price, RANK() OVER (PARTITION BY auction ORDER BY price DESC) AS r, MAX(price) OVER (PARTITION BY auction) AS m FROM bids
) WHERE r <= 2
