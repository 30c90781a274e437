SELECT bidder AS auction, auction AS bidder FROM bids WHERE bidder IS NOT NULL ORDER BY auction, bidder LIMIT 3
