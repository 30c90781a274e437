-- Slices from either end.
SELECT id, ARRAY_SLICE(a, 2) AS x, ARRAY_SLICE(a, -2, -1) AS y, ARRAY_SLICE(a, 3, 1) AS z, ARRAY_REMOVE(a, 3) AS u, ARRAY_UNION(a, ARRAY[7]) AS w, ARRAY_SORT(a) AS q, ARRAY_APPEND(a, 5) AS t1, ARRAY_PREPEND(a, 5) AS t2 FROM kinds
