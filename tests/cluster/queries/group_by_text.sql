SELECT 'x' AS x, COUNT(*) AS n FROM bids GROUP BY 'x'
