-- MIN and MAX keep the type.
SELECT MIN(ti) AS a, MAX(de) AS b, MIN(v) AS c, MAX(c) AS d, MIN(da) AS e, MAX(ti0) AS f1, MIN(ts) AS g, MAX(ltz) AS h, MIN(n) AS i1, MAX(b) AS j1 FROM kinds
