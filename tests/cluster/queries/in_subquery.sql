-- IN (SELECT …).
SELECT bidder, price FROM bids WHERE auction IN (SELECT id FROM auctions WHERE category = 'art')
