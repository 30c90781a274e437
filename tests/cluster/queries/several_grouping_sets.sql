SELECT bidder, auction, paid, COUNT(*) FROM bids GROUP BY GROUPING SETS (bidder, ()), ROLLUP (auction), CUBE (paid)
