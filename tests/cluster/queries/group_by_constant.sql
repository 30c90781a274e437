-- A constant as a key.
SELECT 1 AS one, COUNT(*) AS n FROM bids GROUP BY 1 + 0
