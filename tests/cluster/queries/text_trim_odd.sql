-- TRIM of what.
SELECT id, TRIM(BOTH 'o' FROM n) AS a, TRIM(LEADING FROM n) AS b, TRIM(TRAILING 'e' FROM n) AS c, LTRIM(n) AS d, RTRIM(n) AS e, BTRIM(n, 'oe') AS f1, LTRIM(n, 'o') AS g FROM kinds
