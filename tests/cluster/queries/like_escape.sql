-- LIKE with ESCAPE, and patterns with wildcards.
SELECT id, n LIKE '%e' AS a, n LIKE '_n_' AS b, '50%' LIKE '50!%' ESCAPE '!' AS c, s NOT LIKE 'h%' AS d, n LIKE '%%' AS e, s LIKE '%ö%日_' AS f FROM kinds
