-- All groupings of two keys in windows.
SELECT window_start, window_end, auction, bidder, COUNT(*) AS n, GROUPING(auction) AS g FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, CUBE (auction, bidder)
