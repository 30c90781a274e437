-- LIMIT within a query.
SELECT COUNT(*) AS n FROM (SELECT price FROM bids ORDER BY price DESC, ts LIMIT 4) AS t
