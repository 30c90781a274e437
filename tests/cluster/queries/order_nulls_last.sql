-- Where NULLs are sorted to.
SELECT auction, price, quantity FROM bids ORDER BY quantity DESC NULLS LAST, price NULLS FIRST LIMIT 7
