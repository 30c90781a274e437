-- A correlated subquery that compares row times.
SELECT b.auction, b.bidder FROM bids AS b WHERE EXISTS (SELECT * FROM auctions AS a WHERE a.id = b.auction AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '10' SECOND)
