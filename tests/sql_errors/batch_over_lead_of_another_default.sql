SET 'execution.runtime-mode' = 'batch';
EXPLAIN SELECT channel, LEAD(price, 1, TRUE) OVER (ORDER BY ts) FROM bids;
