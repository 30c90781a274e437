SET 'execution.runtime-mode' = 'batch';
EXPLAIN SELECT channel, SUM(price) OVER (ORDER BY price RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW) FROM bids;
