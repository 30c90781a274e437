-- IF, NULLIF, IFNULL and their types.
SELECT id, IF(b, i, 0) AS a, IF(i > 0, s, n) AS b1, NULLIF(n, 'one') AS c1, IFNULL(s, n) AS d1, IFNULL(i, ti) AS e, NULLIF(i, 70000) AS f1 FROM kinds
