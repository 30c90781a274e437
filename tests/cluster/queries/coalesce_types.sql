-- The common type of COALESCE.
SELECT id, COALESCE(ti, i) AS a, COALESCE(i, de) AS b, COALESCE(f, d) AS c, COALESCE(v, s) AS d, COALESCE(c, v) AS e, COALESCE(s, n) AS f, COALESCE(i, 0) AS g, COALESCE(de, 1.5) AS h, COALESCE(ts0, ts) AS k FROM kinds
