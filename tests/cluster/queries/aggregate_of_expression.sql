-- Aggregates of expressions, and expressions of aggregates.
SELECT auction, SUM(price * quantity) AS a, SUM(price) / COUNT(*) AS b, MAX(price) - MIN(price) AS c, COALESCE(SUM(quantity), 0) AS d FROM bids GROUP BY auction
