-- ORDER BY with LIMIT and OFFSET.
SELECT auction, bidder, price FROM bids ORDER BY price DESC, ts LIMIT 3 OFFSET 2
