-- GREATEST and LEAST of different types.
SELECT id, GREATEST(ti, bi) AS a, LEAST(si, i) AS b1, GREATEST(de, whole) AS c1, LEAST(v, n) AS d1, GREATEST(f, d) AS e, LEAST(da, da) AS g FROM kinds
