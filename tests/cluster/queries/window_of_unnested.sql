-- Elements stay in the window of their row, also the late ones that no window takes any more.
SELECT window_start, good, COUNT(*) AS n, SUM(quantity) AS q
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND)) CROSS JOIN UNNEST(ARRAY[bidder, 'any']) AS g (good)
GROUP BY window_start, window_end, good
