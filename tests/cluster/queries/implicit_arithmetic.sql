-- Arithmetic of different types.
SELECT id, ti + si AS a, si + bi AS b1, i + f AS c1, bi + d AS d1, f + d AS e, ti * ti AS f1, f * de AS g, bi - ti AS h FROM kinds WHERE id IN (1, 2)
