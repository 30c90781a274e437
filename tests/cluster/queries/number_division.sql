-- Division of whole numbers, and its remainder.
SELECT id, i / 7 AS a, bi / i AS b1, MOD(i, 7) AS c1, MOD(-7, 3) AS d1, 7 % -3 AS e, ti / 2 AS f1, si / ti AS g FROM kinds WHERE id IN (1, 3, 4)
