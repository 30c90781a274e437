SET 'execution.runtime-mode' = 'batch';
EXPLAIN SELECT channel, LEAD(price) OVER (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM bids;
