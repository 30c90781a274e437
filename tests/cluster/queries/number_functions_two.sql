-- Numbers in other bases, and the extremes of several.
SELECT id, BIN(ti) AS p, HEX(i) AS q, GREATEST(ti, i) AS r1, LEAST(i, bi) AS t FROM kinds WHERE id <> 2
