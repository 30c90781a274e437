-- SUM, COUNT, MIN and MAX per group, one of them NULL.
SELECT auction, COUNT(*), COUNT(price), SUM(price), MIN(bidder), MAX(ts) FROM bids GROUP BY auction
