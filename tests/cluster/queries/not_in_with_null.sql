-- NOT IN where the list has a NULL keeps nothing.
SELECT bidder, price FROM bids WHERE auction NOT IN (SELECT id FROM auctions WHERE category = 'toys')
