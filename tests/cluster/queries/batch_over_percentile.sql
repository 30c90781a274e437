SET 'execution.runtime-mode' = 'batch';
SELECT auction, PERCENTILE(quantity, 0.5) OVER (PARTITION BY auction), VAR_SAMP(quantity) OVER (PARTITION BY auction ORDER BY ts) FROM bids
