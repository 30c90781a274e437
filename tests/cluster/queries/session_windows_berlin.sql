-- Sessions while the clocks change.
SET 'table.local-time-zone' = 'Europe/Berlin';
SELECT window_start, window_end, COUNT(*) AS n
FROM TABLE(SESSION(TABLE visits, DESCRIPTOR(seen), INTERVAL '1' HOUR)) GROUP BY window_start, window_end
