-- OFFSET and FETCH.
SELECT auction, price FROM bids ORDER BY price, auction, ts OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY
