-- The first rows for each row of a query over another table.
-- differs: Flink can only do this over the different values of the same table.
SELECT a.auction, t.bidder, t.price FROM (SELECT DISTINCT auction FROM offers WHERE auction IS NOT NULL) AS a, LATERAL (SELECT bidder, price FROM bids AS b WHERE b.auction = a.auction ORDER BY price DESC, bidder LIMIT 2) AS t
