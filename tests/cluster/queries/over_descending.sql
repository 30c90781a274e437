-- In descending order it is refused.
SELECT auction, SUM(price) OVER (PARTITION BY auction ORDER BY price DESC) AS s FROM bids
