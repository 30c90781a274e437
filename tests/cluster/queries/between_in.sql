-- BETWEEN, IN and their negations with NULLs.
SELECT id, i BETWEEN 0 AND 100000 AS a, i NOT BETWEEN 0 AND 100000 AS b1, i BETWEEN SYMMETRIC 100000 AND 0 AS b2, i IN (70000, NULL) AS c, i NOT IN (70000, NULL) AS d, n IN ('one', '42') AS e, v NOT IN ('world') AS f FROM kinds
