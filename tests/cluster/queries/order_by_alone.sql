-- ORDER BY without a LIMIT is refused in a stream.
SELECT auction, price FROM bids ORDER BY price
