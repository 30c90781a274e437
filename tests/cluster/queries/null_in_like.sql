-- A NULL without a type is refused.
SELECT s LIKE NULL AS x FROM kinds
