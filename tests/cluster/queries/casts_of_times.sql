-- Dates, times and timestamps into each other.
SELECT id, CAST(ts AS DATE) AS a, CAST(ts AS TIME(0)) AS b1, CAST(da AS TIMESTAMP(3)) AS c1, CAST(ts AS TIMESTAMP(0)) AS d1, CAST(ltz AS TIMESTAMP(3)) AS e, CAST(ts AS TIMESTAMP_LTZ(3)) AS f1, CAST(ltz AS DATE) AS g, CAST(ts0 AS TIMESTAMP(3)) AS h FROM kinds WHERE id <> 3
