-- The old session windows.
SELECT auction, SESSION_START(ts, INTERVAL '5' SECOND) AS ws, SESSION_END(ts, INTERVAL '5' SECOND) AS we, COUNT(*) AS n FROM bids GROUP BY auction, SESSION(ts, INTERVAL '5' SECOND)
