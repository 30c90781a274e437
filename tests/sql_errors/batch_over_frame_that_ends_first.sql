SET 'execution.runtime-mode' = 'batch';
EXPLAIN SELECT channel, SUM(price) OVER (ORDER BY ts ROWS BETWEEN 1 FOLLOWING AND CURRENT ROW) FROM bids;
