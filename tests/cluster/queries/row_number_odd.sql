-- The number of a row is compared with no constant.
SELECT auction, bidder, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price) AS rn FROM bids) AS t WHERE MOD(rn, 2) = 1
