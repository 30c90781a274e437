-- ORDER BY with LIMIT in a stream.
SELECT auction, bidder, price FROM bids ORDER BY price DESC, ts LIMIT 3
