-- Rows, arrays and maps that a query makes.
SELECT id, ROW(i, s) AS x, ARRAY[i, 1] AS y, MAP['a', i] AS z, ARRAY[ROW(1, 'a'), ROW(i, n)] AS w, ROW(n, ARRAY[id]) AS v1 FROM kinds
