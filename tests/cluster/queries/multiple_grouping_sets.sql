-- differs: Flink 2.2 fails where the same set comes twice beside others
SELECT bidder, auction, COUNT(*) FROM bids GROUP BY GROUPING SETS (bidder, auction), ROLLUP (auction)
