-- What precision and scale the arithmetic of decimals gives.
SELECT id, de + whole AS a, de - wide AS b, de * de AS c, wide * wide AS d, de / whole AS e, whole / de AS f, de + i AS g, de * bi AS h, de / ti AS i1, de + f AS j1, -de AS k1, ABS(wide) AS l1 FROM kinds WHERE id IN (1, 3)
