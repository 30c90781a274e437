-- Rounding of 38 digits.
SELECT id, ROUND(wide, 5) AS a, ROUND(wide, -3) AS b, CEIL(wide) AS c, FLOOR(wide) AS d, TRUNCATE(wide, 2) AS e, ABS(wide) AS f, SIGN(wide) AS g, ROUND(wide) AS h FROM kinds
