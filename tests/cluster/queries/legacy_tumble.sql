-- The old group windows.
SELECT auction, TUMBLE_START(ts, INTERVAL '5' SECOND) AS ws, TUMBLE_END(ts, INTERVAL '5' SECOND) AS we, COUNT(*) AS n FROM bids GROUP BY auction, TUMBLE(ts, INTERVAL '5' SECOND)
