SET 'execution.runtime-mode' = 'batch';
SELECT COUNT(*) OVER (RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM bids
