-- Sessions of two keys, one of them nullable.
SELECT auction, bidder, window_start, window_end, COUNT(*) AS n, MAX(price) AS highest FROM TABLE(SESSION(TABLE bids PARTITION BY (auction, bidder), DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY auction, bidder, window_start, window_end
