-- A left interval join.
CREATE VIEW in_time AS SELECT * FROM bids WHERE bidder IS DISTINCT FROM 'late';
SELECT a.id, a.ts, b.bidder
FROM auctions AS a LEFT JOIN in_time AS b ON b.auction = a.id AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '3' SECOND
