SET 'execution.runtime-mode' = 'batch';
SELECT auction, COUNT(*) OVER (PARTITION BY auction), MAX(price) OVER () FROM bids
