SET 'execution.runtime-mode' = 'batch';
SELECT auction, MAX(DISTINCT quantity) OVER (PARTITION BY auction ORDER BY ts) FROM bids
