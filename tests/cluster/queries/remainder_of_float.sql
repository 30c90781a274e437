-- The remainder of a floating number is refused.
SELECT MOD(d, 2) AS x FROM kinds
