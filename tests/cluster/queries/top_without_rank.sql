-- Top 2 of each auction, the rank not shown.
SELECT auction, bidder, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC, quantity) AS rn FROM bids) AS t WHERE rn <= 2
