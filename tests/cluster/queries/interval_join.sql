-- An interval join. What comes late depends on which of the two topics is read first, so it is left out.
CREATE VIEW in_time AS SELECT * FROM bids WHERE bidder IS DISTINCT FROM 'late';
SELECT b.bidder, b.ts, a.seller
FROM in_time AS b JOIN auctions AS a ON b.auction = a.id AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '10' SECOND
