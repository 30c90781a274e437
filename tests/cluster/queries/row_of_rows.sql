-- Rows in rows in arrays.
SELECT id, ARRAY[ROW(id, ROW(s, d))] AS a, ROW(ARRAY[1, 2], MAP['k', ROW(1, 'x')]) AS b1 FROM kinds WHERE id IN (1, 2)
