SELECT bidder, auction, COUNT(*) FROM bids GROUP BY DISTINCT ROLLUP (bidder, auction), ROLLUP (auction)
