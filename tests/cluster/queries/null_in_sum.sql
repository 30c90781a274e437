-- A NULL without a type is refused.
SELECT i + NULL AS x FROM kinds
