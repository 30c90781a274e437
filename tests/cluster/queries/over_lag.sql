-- LAG.
SELECT auction, ts, LAG(price) OVER (PARTITION BY auction ORDER BY ts) AS before, LAG(price, 2) OVER (PARTITION BY auction ORDER BY ts) AS before2 FROM bids
