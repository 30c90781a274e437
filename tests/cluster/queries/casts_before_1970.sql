-- differs: of a moment before 1970 with a fraction of a second Flink takes the next second's day and time.
SELECT id, CAST(ts AS DATE) AS a, CAST(ts AS TIME(0)) AS b, CAST(ts AS TIMESTAMP(0)) AS c FROM kinds WHERE id = 3
