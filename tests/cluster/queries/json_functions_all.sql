-- JSON of texts that are and are not JSON.
SELECT id, j IS JSON AS a1, j IS JSON OBJECT AS b1, j IS JSON ARRAY AS c1, JSON_EXISTS(j, '$.a') AS d1, JSON_VALUE(j, '$.a[0]') AS e, JSON_QUERY(j, '$.a') AS f1, JSON_VALUE(j, '$.a[1].b') AS g, JSON_OBJECT('k' VALUE i, 'n' VALUE n) AS h, JSON_ARRAY(i, n) AS i1, JSON_STRING(n) AS k, JSON_QUOTE(n) AS l FROM kinds WHERE id IN (1, 3)
