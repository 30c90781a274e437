-- GROUP BY knows no aliases of SELECT.
SELECT price * 2 AS twice, COUNT(*) AS n FROM bids GROUP BY twice
