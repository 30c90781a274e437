-- Elements that are not there.
SELECT id, a[1] AS x, a[9] AS y, CARDINALITY(a) AS c1, ARRAY_CONTAINS(a, 3) AS d1, ARRAY_DISTINCT(a) AS e, ARRAY_POSITION(a, 3) AS f1, ARRAY_REVERSE(a) AS g, ARRAY_CONCAT(a, a) AS h, ARRAY_MAX(a) AS i1, ARRAY_JOIN(texts, '-') AS j1 FROM kinds
