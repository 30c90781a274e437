SELECT *, bidder AS auction FROM bids ORDER BY auction LIMIT 3
