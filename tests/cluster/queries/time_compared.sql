-- Times of different types compared.
SELECT id, da = ts AS a, ts0 <= ts AS b1, da < DATE '2024-03-01' AS c1, ts BETWEEN TIMESTAMP '2024-01-01 00:00:00' AND TIMESTAMP '2025-01-01 00:00:00' AS d1, ti0 > TIME '12:00:00' AS e FROM kinds
