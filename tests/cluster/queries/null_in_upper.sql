-- A NULL without a type is refused.
SELECT UPPER(NULL) AS x FROM kinds
