-- Fields of rows in an array.
-- plan differs: an array of constants is laid out beside each row; Flink lays it out alone and joins.
SELECT t.x, t.y FROM kinds CROSS JOIN UNNEST(ARRAY[ROW(1, 'a'), ROW(2, 'b')]) AS t(x, y) WHERE id = 1
