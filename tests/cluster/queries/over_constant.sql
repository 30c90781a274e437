-- In the order of a constant it is refused.
SELECT auction, SUM(price) OVER (PARTITION BY auction ORDER BY 1) AS s FROM bids
