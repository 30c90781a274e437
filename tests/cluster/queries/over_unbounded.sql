-- Everything so far.
SELECT auction, ts, SUM(quantity) OVER (PARTITION BY auction ORDER BY ts) AS s, MAX(price) OVER (PARTITION BY auction ORDER BY ts) AS m FROM bids
