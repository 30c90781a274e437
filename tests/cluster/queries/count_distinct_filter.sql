-- DISTINCT and FILTER at once.
SELECT auction, COUNT(DISTINCT bidder) FILTER (WHERE paid) AS a, COUNT(*) FILTER (WHERE quantity > 1) AS b, SUM(DISTINCT price) AS c, AVG(quantity) FILTER (WHERE NOT paid) AS d FROM bids GROUP BY auction
