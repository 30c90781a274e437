-- Places and lengths that are negative, nothing or far outside.
SELECT id, SUBSTRING(n, 0) AS a, SUBSTRING(n, -2) AS b, SUBSTRING(n, 2, 0) AS c, SUBSTRING(n, 1, 100) AS d, LEFT(n, 0) AS e, LEFT(n, -1) AS f1, RIGHT(n, 2) AS g, RIGHT(n, 100) AS h, REPEAT(n, 0) AS i1, REPEAT(n, -1) AS j1, SUBSTRING(n, 100) AS k1 FROM kinds
