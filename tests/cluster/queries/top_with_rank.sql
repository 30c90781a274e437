-- Top 2 of each auction, with the rank.
SELECT auction, bidder, price, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS rn FROM bids) AS t WHERE rn <= 2
