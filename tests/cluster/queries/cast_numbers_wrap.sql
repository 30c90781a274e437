-- Numbers cast to types that they do not fit.
SELECT id, CAST(i AS TINYINT) AS a, CAST(bi AS INT) AS b1, CAST(de AS INT) AS c1, CAST(ti AS DECIMAL(2, 1)) AS d1, CAST(wide AS DECIMAL(10, 2)) AS e, CAST(d AS INT) AS f1, CAST(f AS BIGINT) AS g, CAST(b AS INT) AS h, CAST(i AS BOOLEAN) AS i1 FROM kinds WHERE id IN (1, 2)
