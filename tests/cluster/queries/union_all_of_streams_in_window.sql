-- A window over two streams at once.
CREATE VIEW streams AS SELECT auction, ts FROM bids WHERE bidder IS DISTINCT FROM 'late' UNION ALL SELECT auction, ts FROM offers;
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE streams, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end
