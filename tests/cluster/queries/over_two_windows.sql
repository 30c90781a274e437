-- Two different windows in one SELECT.
SELECT COUNT(*) OVER (PARTITION BY bidder ORDER BY ts) AS n, COUNT(*) OVER (PARTITION BY auction ORDER BY ts) AS m FROM bids
