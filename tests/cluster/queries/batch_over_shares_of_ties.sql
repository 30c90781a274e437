SET 'execution.runtime-mode' = 'batch';
SELECT auction, CUME_DIST() OVER (PARTITION BY auction ORDER BY price) FROM bids
