-- A total of what a deduplication keeps.
SELECT bidder, COUNT(*) AS n, SUM(price) AS total FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY ts DESC) AS rn FROM bids) AS t WHERE rn = 1 GROUP BY bidder
