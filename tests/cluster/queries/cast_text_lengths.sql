-- Texts cast to lengths.
SELECT id, CAST(n AS CHAR(2)) AS a, CAST(n AS VARCHAR(2)) AS b, CAST(v AS CHAR(12)) AS c, CAST(i AS VARCHAR(3)) AS d, CAST(b AS STRING) AS e, CAST(de AS CHAR(4)) AS f1, CAST(d AS STRING) AS g, CAST(f AS STRING) AS h FROM kinds WHERE id IN (1, 2)
