-- Windows that grow by six hours, to a day, while the clocks change.
SET 'table.local-time-zone' = 'Europe/Berlin';
SELECT window_start, window_end, COUNT(*) AS n
FROM TABLE(CUMULATE(TABLE visits, DESCRIPTOR(seen), INTERVAL '6' HOUR, INTERVAL '1' DAY)) GROUP BY window_start, window_end
