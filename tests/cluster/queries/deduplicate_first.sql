-- The first row of each bidder by row time.
SELECT bidder, auction, price, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder ORDER BY ts ASC) AS rn FROM bids) AS t WHERE rn = 1
