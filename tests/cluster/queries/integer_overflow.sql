-- Integers wrap around.
SELECT id, i + 1 AS a, i - 1 AS b1, bi * 2 AS c1, -bi AS d1, ABS(i) AS e, CAST(bi AS INT) AS f1, ti * ti AS g, CAST(300 AS TINYINT) AS h FROM kinds WHERE id > 2
