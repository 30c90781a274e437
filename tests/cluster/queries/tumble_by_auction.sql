-- A window per 5 seconds; a late row is dropped.
SELECT auction, window_start, window_end, window_time, COUNT(*) AS n, SUM(quantity) AS q
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY auction, window_start, window_end, window_time
