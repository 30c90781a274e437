-- CASE finds the type that its branches have in common.
SELECT id, CASE WHEN b THEN ti ELSE bi END AS a, CASE WHEN b THEN de ELSE i END AS c, CASE WHEN b THEN f ELSE de END AS d, CASE WHEN b THEN v ELSE c END AS e, CASE WHEN b THEN da ELSE NULL END AS g, CASE WHEN b THEN 'a' WHEN id = 2 THEN 'abc' END AS h, CASE WHEN b THEN 1 ELSE 2.50 END AS i1 FROM kinds
