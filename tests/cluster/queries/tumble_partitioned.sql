-- PARTITION BY in TUMBLE is refused.
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids PARTITION BY auction, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end
