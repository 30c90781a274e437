-- Paths that are not there, and texts that are no JSON.
SELECT id, JSON_VALUE(j, '$.a[0]') AS a, JSON_VALUE(j, '$.x') AS b1, JSON_QUERY(j, '$.a') AS c1, JSON_EXISTS(j, '$.a[1].b') AS d1, j IS JSON AS e, j IS JSON ARRAY AS f1, JSON_VALUE(j, '$.d') AS g, JSON_VALUE(j, '$.x' DEFAULT 'none' ON EMPTY) AS h FROM kinds
