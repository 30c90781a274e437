-- Searching for nothing, and in nothing.
SELECT id, POSITION('' IN n) AS a, LOCATE('n', n) AS b, LOCATE('n', n, 3) AS c, INSTR(n, 'e') AS d, LOCATE('', n, 2) AS e, REPLACE(n, '', 'x') AS f1, OVERLAY(n PLACING 'XX' FROM 2) AS g, OVERLAY(n PLACING 'XX' FROM 1 FOR 0) AS h FROM kinds WHERE id <> 3
