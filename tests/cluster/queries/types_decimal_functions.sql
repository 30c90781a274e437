-- Rounding keeps or shortens the scale.
SELECT id, ROUND(de, 1) AS a, ROUND(de, -1) AS b, ROUND(wide) AS c, CEIL(de) AS d, FLOOR(wide) AS e, TRUNCATE(de, 1) AS f, SIGN(de) AS g, MOD(whole, 7) AS h, POWER(de, 2) AS i1, SQRT(whole) AS j1 FROM kinds WHERE id = 1
