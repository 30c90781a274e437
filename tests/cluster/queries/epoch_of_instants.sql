-- differs: Flink counts from 1970 in the session's zone.
SET 'table.local-time-zone' = 'Europe/Berlin';
SELECT EXTRACT(EPOCH FROM ltz) AS x FROM kinds WHERE id = 1
