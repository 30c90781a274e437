-- COALESCE of different types.
SELECT id, COALESCE(ti, bi) AS a, COALESCE(si, i, 0) AS b1, COALESCE(de, whole) AS c1, COALESCE(v, n) AS d1, COALESCE(f, d) AS e, IFNULL(de, 0) AS g, IFNULL(s, 'x') AS h, NULLIF(i, 0) AS j1 FROM kinds
