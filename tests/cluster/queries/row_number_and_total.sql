-- ROW_NUMBER has its own frame, and so another one than an aggregate without one.
SELECT auction, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY ts) AS n, SUM(price) OVER (PARTITION BY auction ORDER BY ts) AS s FROM bids
