-- The first rows for each row of another query.
SELECT a.auction, t.bidder, t.price FROM (SELECT DISTINCT auction FROM offers WHERE auction IS NOT NULL) AS a, LATERAL (SELECT bidder, price FROM bids AS b WHERE b.auction = a.auction ORDER BY price DESC, bidder LIMIT 2) AS t
