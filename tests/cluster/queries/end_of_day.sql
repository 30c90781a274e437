-- 24:00:00 is the next day's begin, in timestamps alone.
SELECT TRY_CAST(t AS TIMESTAMP(3)) AS a, TRY_CAST(t AS DATE) AS b, TO_TIMESTAMP(t) AS c, CAST(t AS VARCHAR(0)) AS d
FROM (VALUES ('2020-12-31 24:00:00'), ('2020-12-31 24:00:01'), ('2020-12-31 24:01:00')) AS v (t)
