-- Two windows joined by their time.
SELECT l.window_start, l.bidder, r.bidder AS other FROM (SELECT * FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND))) AS l JOIN (SELECT * FROM TABLE(TUMBLE(TABLE offers, DESCRIPTOR(ts), INTERVAL '10' SECOND))) AS r ON l.auction = r.auction AND l.window_start = r.window_start AND l.window_end = r.window_end
