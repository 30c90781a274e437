-- A day is no number.
SELECT INTERVAL '1' DAY > 1 AS x FROM kinds
