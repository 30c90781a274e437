-- INTERSECT of different types.
SELECT ti AS x FROM kinds INTERSECT SELECT i FROM kinds
