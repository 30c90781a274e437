-- Overlapping windows of two hours while the clocks change.
SET 'table.local-time-zone' = 'Europe/Berlin';
SELECT window_start, window_end, COUNT(*) AS n
FROM TABLE(HOP(TABLE visits, DESCRIPTOR(seen), INTERVAL '1' HOUR, INTERVAL '2' HOUR)) GROUP BY window_start, window_end
