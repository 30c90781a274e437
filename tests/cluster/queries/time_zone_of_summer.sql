-- A session's zone whose clocks change: a gap, an hour that comes twice.
SET 'table.local-time-zone' = 'Europe/Berlin';
SELECT id, CAST(TO_TIMESTAMP_LTZ(1711846799000 + id * 1000, 3) AS STRING) AS a, CAST(TO_TIMESTAMP_LTZ(1729990800000 + id * 1000, 3) AS TIMESTAMP(3)) AS b, CAST(CAST(TIMESTAMP '2024-03-31 02:30:00' AS TIMESTAMP_LTZ(3)) AS STRING) AS c, UNIX_TIMESTAMP('2024-03-31 02:30:00') AS d, UNIX_TIMESTAMP('2024-10-27 02:30:00') AS e, HOUR(ltz) AS f, DATE_FORMAT(ltz, 'HH:mm') AS g, CAST(ltz AS DATE) AS h, ts = ltz AS i1, ts < ltz AS k FROM kinds WHERE id <> 3
