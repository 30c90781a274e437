-- A frame of the row alone is refused.
SELECT auction, COUNT(*) OVER (PARTITION BY auction ORDER BY ts ROWS BETWEEN CURRENT ROW AND CURRENT ROW) AS s FROM bids
