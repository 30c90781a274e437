SET 'execution.runtime-mode' = 'batch';
SELECT RANK() OVER (PARTITION BY auction) FROM bids
