-- OVER over an aggregate, and an aggregate over that.
SELECT n, SUM(s) AS s FROM (SELECT auction, n, SUM(n) OVER (ORDER BY n) AS s FROM (SELECT auction, COUNT(*) AS n FROM bids GROUP BY auction) AS t) AS u GROUP BY n
