SET 'table.local-time-zone' = 'GMT-03:30';
SELECT id, CAST(ltz AS STRING) AS s, CAST(ltz AS DATE) AS d, CAST(CAST(ts AS TIMESTAMP_LTZ(3)) AS STRING) AS t, DATE_FORMAT(ltz, 'HH:mm') AS f, FROM_UNIXTIME(id) AS u FROM kinds WHERE id <> 3
