-- A subquery in HAVING.
SELECT auction, SUM(price) AS s FROM bids GROUP BY auction HAVING SUM(price) > (SELECT AVG(price) FROM offers)
