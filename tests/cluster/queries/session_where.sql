-- differs: Flink 2.2 makes the sessions of the rows that the condition leaves, though it stands behind them.
SELECT window_start, window_end, bidder, COUNT(*) AS bids
FROM TABLE(SESSION(TABLE bids PARTITION BY bidder, DESCRIPTOR(ts), INTERVAL '4' SECOND))
WHERE quantity > 1
GROUP BY window_start, window_end, bidder
