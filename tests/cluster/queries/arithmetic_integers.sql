-- Every pair of integer types, added and multiplied; values wrap around.
SELECT id, ti + si AS a, si * i AS b, i + bi AS c, ti * ti AS d, i * i AS e, bi + bi AS f, -i AS g, ti / 2 AS h, MOD(i, 7) AS k, MOD(bi, si) AS l FROM kinds WHERE id < 4
