-- A text in arithmetic.
SELECT s + 1 AS x FROM kinds
