-- HAVING that holds for nothing.
SELECT SUM(price) AS s FROM bids HAVING SUM(price) < 0
