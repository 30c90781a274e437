-- LEAD is refused in a stream.
SELECT auction, LEAD(price) OVER (PARTITION BY auction ORDER BY ts) AS after FROM bids
