-- The common type of CASE, and its nullability.
SELECT id, CASE WHEN b THEN ti ELSE bi END AS a, CASE WHEN b THEN 'x' ELSE 'long text' END AS b1, CASE i WHEN 70000 THEN 'seventy' WHEN 2147483647 THEN 'most' END AS c, CASE WHEN b THEN de ELSE wide END AS d, CASE WHEN b IS NULL THEN 1.5 ELSE 2 END AS e FROM kinds
