-- The first by two columns, one descending, NULL last.
SELECT auction, bidder, price FROM bids ORDER BY auction DESC, price ASC, bidder LIMIT 5
