-- Functions of numbers outside of where they are defined.
SELECT id, LN(0.0 * id) AS a, LOG10(d) AS b1, EXP(1000 * id) AS c1, POWER(0, id - 1) AS d1, ACOS(2.0 * id) AS e, SIGN(i) AS f1, TRUNCATE(d, 1) AS g, ROUND(f, 0) AS h FROM kinds WHERE id IN (1, 2)
