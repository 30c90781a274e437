-- A lateral query.
SELECT a.id, b.price FROM auctions AS a, LATERAL (SELECT price FROM bids WHERE auction = a.id AND price > a.reserve) AS b
