-- The top of a join.
SELECT category, bidder, price FROM (SELECT a.category, b.bidder, b.price, ROW_NUMBER() OVER (PARTITION BY a.category ORDER BY b.price DESC, b.ts) AS rn FROM bids AS b JOIN auctions AS a ON a.id = b.auction) AS t WHERE rn <= 2
