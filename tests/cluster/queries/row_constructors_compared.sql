-- Rows that are put together where they are compared: NULL where a field is.
SELECT id, ROW(i, s) = ROW(1, 'x') AS same, ROW(id, n) <> ROW(1, 'x') AS other,
  ROW(i, s) IN (ROW(1, 'x'), ROW(2, 'y')) AS among
FROM kinds
