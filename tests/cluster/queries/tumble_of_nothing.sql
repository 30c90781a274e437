-- Windows of no rows.
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE nothing, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end
