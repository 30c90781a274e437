-- Aggregates joined.
SELECT x.auction, x.n, y.m FROM (SELECT auction, COUNT(*) AS n FROM bids GROUP BY auction) AS x LEFT JOIN (SELECT auction, MAX(price) AS m FROM offers GROUP BY auction) AS y ON x.auction = y.auction
