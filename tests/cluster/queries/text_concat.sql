-- Joining texts with NULL.
SELECT id, CONCAT(n, v, c) AS a, CONCAT_WS('-', n, v, s) AS b1, n || '!' AS c1, CONCAT_WS(v, n, n) AS d1 FROM kinds
