-- A session per auction.
SELECT auction, window_start, window_end, COUNT(*) AS n, SUM(price) AS s FROM TABLE(SESSION(TABLE bids PARTITION BY auction, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY auction, window_start, window_end
