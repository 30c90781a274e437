SET 'execution.runtime-mode' = 'batch';
EXPLAIN SELECT channel, RANK() OVER (PARTITION BY channel) FROM bids;
