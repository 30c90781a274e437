-- Queries in queries.
SELECT n, COUNT(*) AS times FROM (SELECT auction, n + 1 AS n FROM (SELECT auction, COUNT(*) AS n FROM (SELECT * FROM bids WHERE price IS NOT NULL) AS a GROUP BY auction) AS b WHERE auction IS NOT NULL) AS c GROUP BY n
