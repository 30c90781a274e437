-- A NULL without a type is refused.
SELECT b AND NULL AS x FROM kinds
