-- A constant as a key.
SELECT 1 AS k, COUNT(*) AS n FROM bids GROUP BY 1 + 0
