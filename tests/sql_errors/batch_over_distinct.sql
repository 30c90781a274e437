SET 'execution.runtime-mode' = 'batch';
EXPLAIN SELECT channel, COUNT(DISTINCT price) OVER (PARTITION BY channel) FROM bids;
