-- Overlapping windows.
SELECT window_start, window_end, auction, COUNT(*) AS n, MAX(price) AS p FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, auction
