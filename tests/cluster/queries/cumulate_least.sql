-- Growing windows with a text beside the count.
SELECT window_start, window_end, COUNT(*) AS n, MIN(bidder) AS b FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end
