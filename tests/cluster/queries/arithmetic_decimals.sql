-- Result types of decimal arithmetic.
SELECT id, de + de AS a, de * de AS b, de / whole AS c, wide + de AS d, wide * wide AS e, de - wide AS f, de + i AS g, i * de AS h, bi / de AS k, MOD(de, whole) AS l, wide / wide AS m FROM kinds WHERE id IN (1, 2, 4)
