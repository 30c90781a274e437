-- What a made array says of NULL.
SELECT id, ARRAY[id, 1] AS a, ARRAY[i, 1] AS b1, ARRAY[n, s] AS c1, MAP['k', i] AS d1, ROW(id, s) AS e, ARRAY[ti, bi] AS f1, ARRAY[1, 2.5] AS g FROM kinds
