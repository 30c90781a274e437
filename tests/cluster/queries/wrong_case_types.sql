-- CASE of what has no common type.
SELECT CASE WHEN b THEN da ELSE i END AS x FROM kinds
