-- differs: the row time of a window is NOT NULL here, as its start and end are.
SELECT TUMBLE_ROWTIME(ts, INTERVAL '5' SECOND) AS wr, COUNT(*) AS n FROM bids GROUP BY TUMBLE(ts, INTERVAL '5' SECOND)
