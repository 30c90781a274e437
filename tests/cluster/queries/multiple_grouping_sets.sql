-- differs: Flink refuses more than one
SELECT bidder, auction, COUNT(*) FROM bids GROUP BY GROUPING SETS (bidder, auction), ROLLUP (auction)
