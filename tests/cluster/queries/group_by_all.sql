-- plan differs: Flink groups by a set that comes again in an operator of its own.
SELECT bidder, COUNT(*) FROM bids GROUP BY ALL ROLLUP (bidder), ROLLUP (bidder)
