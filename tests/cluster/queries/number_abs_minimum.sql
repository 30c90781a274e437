-- The least number of a type has no positive one.
SELECT id, ABS(ti) AS a, ABS(si) AS b1, ABS(i) AS c1, ABS(bi) AS d1, -ti AS e, -i AS f1, -bi AS g FROM kinds
