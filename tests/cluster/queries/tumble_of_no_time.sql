-- A window over a column that is no row time.
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE kinds, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end
