-- Types of literals.
SELECT 1 AS a, 3000000000 AS b, 1.50 AS c, 1e3 AS d, 'text' AS e, TRUE AS f, DATE '2024-02-29' AS g, TIME '12:34:56' AS h, TIMESTAMP '2024-02-29 12:34:56.1' AS i, X'CAFE' AS k, CAST(NULL AS INT) AS l, 'it''s' AS n FROM kinds WHERE id = 1
