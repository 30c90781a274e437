-- A window over a join has no row time.
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE((SELECT b.ts, a.id FROM bids AS b JOIN auctions AS a ON a.id = b.auction), DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end
