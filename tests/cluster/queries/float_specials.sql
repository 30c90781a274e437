-- NaN and infinities.
SELECT id, f / 0 AS a, -d / 0 AS b1, (f - f) / 0 AS c1, d / 0 > 1 AS d1, SQRT(-1.0) AS f1 FROM kinds WHERE id = 1
