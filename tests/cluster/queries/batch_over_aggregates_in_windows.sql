SET 'execution.runtime-mode' = 'batch';
SELECT window_start, auction, RANK() OVER (PARTITION BY window_start ORDER BY COUNT(*) DESC)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, auction
