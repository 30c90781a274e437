-- A scalar subquery in SELECT, correlated.
-- plan differs: joins with equal keys are one operator.
SELECT a.id, (SELECT MAX(b.price) FROM bids AS b WHERE b.auction = a.id) AS most, (SELECT COUNT(*) FROM bids AS b WHERE b.auction = a.id) AS n FROM auctions AS a
