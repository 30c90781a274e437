-- The columns that a window adds.
SELECT window_start, window_end, window_time, auction FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
