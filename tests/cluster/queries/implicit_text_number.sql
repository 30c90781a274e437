-- A number beside a text.
SELECT id, v = 12 AS a, n > '1' AS b1, i = '70000' AS c1, de > '12' AS d1 FROM kinds WHERE id = 1
