-- Functions of numbers and their types.
SELECT id, ABS(i) AS a, ABS(de) AS b1, CEIL(de) AS c1, FLOOR(d) AS d1, ROUND(de, 1) AS e, ROUND(d, 1) AS f1, ROUND(i, -2) AS g, TRUNCATE(de, 1) AS h, SIGN(de) AS i1, POWER(ti, 2) AS k, SQRT(i) AS l, EXP(ti) AS m1, LN(si) AS n1, LOG10(si) AS o, ROUND(f) AS u, CEIL(f) AS w, FLOOR(i) AS x FROM kinds
