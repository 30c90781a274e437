-- Fields of rows in an array.
SELECT t.x, t.y FROM kinds CROSS JOIN UNNEST(ARRAY[ROW(1, 'a'), ROW(2, 'b')]) AS t(x, y) WHERE id = 1
