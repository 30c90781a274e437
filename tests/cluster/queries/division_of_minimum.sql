-- The least integer divided by minus one.
SELECT bi / -1 AS a, i / -1 AS b, MOD(bi, -1) AS c FROM kinds WHERE id = 3
