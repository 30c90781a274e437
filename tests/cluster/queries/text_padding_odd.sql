-- Padding to less, to nothing, by nothing.
SELECT id, LPAD(s, 3, 'xy') AS a, RPAD(s, 8, 'xy') AS b1, LPAD(s, 0, 'x') AS c1, LPAD(s, -1, 'x') AS d1, LPAD(s, 8, '') AS e, RPAD(s, 2, '') AS f1 FROM kinds
