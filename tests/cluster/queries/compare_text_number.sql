-- A text compared with a number.
SELECT id, s = i AS x FROM kinds WHERE id = 2
