-- Windows of an hour while the clocks change: one is missing, one comes twice.
SET 'table.local-time-zone' = 'Europe/Berlin';
SELECT page, window_start, window_end, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(seen), INTERVAL '1' HOUR)) GROUP BY page, window_start, window_end
