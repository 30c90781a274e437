-- NOT EXISTS, correlated.
SELECT a.id, a.seller FROM auctions AS a WHERE NOT EXISTS (SELECT 1 FROM bids AS b WHERE b.auction = a.id)
