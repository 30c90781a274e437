-- Intervals as values of their own.
SELECT id, INTERVAL '1' DAY AS a, INTERVAL '1-2' YEAR TO MONTH AS b, INTERVAL '1' DAY * 2 AS c, INTERVAL '1' HOUR + INTERVAL '30' MINUTE AS d FROM kinds WHERE id = 1
