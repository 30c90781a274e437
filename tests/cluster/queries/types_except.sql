-- EXCEPT of different types.
SELECT i AS x FROM kinds EXCEPT SELECT ti FROM kinds
