SET 'execution.runtime-mode' = 'batch';
SELECT COUNT(*) OVER (ORDER BY bidder RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM bids
