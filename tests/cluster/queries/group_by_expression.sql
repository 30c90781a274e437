-- Groups of an expression.
SELECT price > 10 AS dear, COUNT(*) AS n FROM bids GROUP BY price > 10
