-- Top rows with OFFSET and FETCH.
SELECT bidder, price FROM bids ORDER BY price DESC, ts OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY
