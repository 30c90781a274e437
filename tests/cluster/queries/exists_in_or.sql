-- EXISTS beside OR.
SELECT id FROM auctions AS a WHERE a.category = 'art' OR EXISTS (SELECT 1 FROM bids AS b WHERE b.auction = a.id AND b.price < 1)
