-- OVER by a column that is no time, bounded.
SELECT auction, SUM(price) OVER (PARTITION BY auction ORDER BY bidder ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM bids
