-- ROLLUP.
SELECT auction, paid, COUNT(*) AS n, GROUPING(auction) AS g, GROUPING_ID(auction, paid) AS gi FROM bids GROUP BY ROLLUP (auction, paid)
