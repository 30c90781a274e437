-- The extremes of texts, booleans, times and decimals.
SELECT MIN(n) AS a, MAX(n) AS b, MIN(da) AS c, MAX(ts) AS d, MIN(de) AS e, MAX(wide) AS f, MIN(f) AS g, MAX(ti0) AS h, MAX(c) AS k FROM kinds
