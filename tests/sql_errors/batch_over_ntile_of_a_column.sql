SET 'execution.runtime-mode' = 'batch';
EXPLAIN SELECT channel, NTILE(price) OVER (ORDER BY ts) FROM bids;
