-- The rows of overlapping windows.
SELECT bidder, window_start, window_end FROM TABLE(HOP(TABLE offers, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
