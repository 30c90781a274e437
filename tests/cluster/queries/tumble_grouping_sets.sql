-- GROUPING SETS in a window.
SELECT window_start, auction, paid, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, GROUPING SETS ((auction), (paid), ())
