-- The difference of two moments is TIMESTAMPDIFF's.
SELECT ts - ts0 AS x FROM kinds
