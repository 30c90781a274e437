SET 'execution.runtime-mode' = 'batch';
SELECT COUNT(*) OVER (ORDER BY auction, price RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM bids
