-- CUBE.
SELECT auction, paid, SUM(price) AS s FROM bids GROUP BY CUBE (auction, paid)
