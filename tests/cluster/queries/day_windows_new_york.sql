-- Windows of a day over instants, in America/New_York, through a leap day and the changes of the clocks.
SET 'table.local-time-zone' = 'America/New_York';
SELECT window_start, window_end, CAST(window_time AS STRING) AS wt, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(seen), INTERVAL '1' DAY)) GROUP BY window_start, window_end, window_time
