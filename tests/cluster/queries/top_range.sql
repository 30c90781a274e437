-- Ranks from 2 to 3.
SELECT auction, bidder, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC, ts) AS rn FROM bids) AS t WHERE rn BETWEEN 2 AND 3
