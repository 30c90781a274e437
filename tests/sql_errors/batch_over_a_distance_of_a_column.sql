SET 'execution.runtime-mode' = 'batch';
EXPLAIN SELECT channel, SUM(price) OVER (ORDER BY ts ROWS BETWEEN price PRECEDING AND CURRENT ROW) FROM bids;
