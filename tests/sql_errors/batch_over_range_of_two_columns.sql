SET 'execution.runtime-mode' = 'batch';
EXPLAIN SELECT channel, SUM(price) OVER (ORDER BY channel, price RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM bids;
