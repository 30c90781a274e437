-- Scales of decimal quotients.
SELECT id, de / 3 AS a, 1 / de AS b1, de / de AS c1, wide / 7 AS d1, whole / 7 AS e, 1.0 / 3 AS f1, 2 / 3 AS g, 10 / 3.0 AS h FROM kinds WHERE id IN (1, 4)
