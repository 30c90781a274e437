-- An aggregate over an aggregate's changes.
SELECT n, COUNT(*) AS groups_, SUM(total) AS total FROM (SELECT auction, COUNT(*) AS n, SUM(price) AS total FROM bids GROUP BY auction) AS t GROUP BY n
