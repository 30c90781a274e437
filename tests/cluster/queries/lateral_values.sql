-- A lateral query.
-- changelog differs: the lateral query is a join with its rows here; Flink joins with the different values of the outer ones first.
-- plan differs: Flink joins with the different values of the outer rows first.
SELECT a.id, b.price FROM auctions AS a, LATERAL (SELECT price FROM bids WHERE auction = a.id AND price > a.reserve) AS b
