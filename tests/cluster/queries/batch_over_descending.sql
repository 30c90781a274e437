SET 'execution.runtime-mode' = 'batch';
SELECT price, SUM(quantity) OVER (ORDER BY price DESC RANGE BETWEEN 3 PRECEDING AND CURRENT ROW) FROM bids WHERE quantity < 100
