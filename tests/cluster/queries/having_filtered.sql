-- HAVING and FILTER together.
SELECT bidder, COUNT(*) FILTER (WHERE paid) AS p, SUM(price) FILTER (WHERE quantity > 1) AS q, COUNT(DISTINCT auction) FILTER (WHERE paid) AS r FROM bids GROUP BY bidder HAVING COUNT(*) > 1
