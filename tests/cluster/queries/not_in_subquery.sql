-- NOT IN (SELECT …) with a NULL among them.
SELECT bidder, price FROM bids WHERE auction NOT IN (SELECT id FROM auctions WHERE category = 'books')
