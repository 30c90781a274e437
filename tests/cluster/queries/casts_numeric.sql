-- Casts between numbers: truncation and wrap-around.
SELECT id, CAST(i AS TINYINT) AS a, CAST(d AS INT) AS b1, CAST(f AS BIGINT) AS c1, CAST(de AS INT) AS d1, CAST(bi AS SMALLINT) AS e, CAST(de AS DECIMAL(8, 1)) AS f1, CAST(d AS FLOAT) AS g, CAST(i AS DOUBLE) AS h, CAST(whole AS DECIMAL(10, 2)) AS k, CAST(b AS INT) AS l FROM kinds
