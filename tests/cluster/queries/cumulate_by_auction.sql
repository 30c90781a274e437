-- Growing windows by auction.
SELECT auction, window_start, window_end, SUM(price) AS s FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND)) GROUP BY auction, window_start, window_end
