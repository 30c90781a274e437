-- WITH names a query that is used twice.
WITH t AS (SELECT auction, SUM(price) AS total FROM bids GROUP BY auction)
SELECT a.auction, a.total, b.total AS other FROM t AS a JOIN t AS b ON a.auction = b.auction + 1
