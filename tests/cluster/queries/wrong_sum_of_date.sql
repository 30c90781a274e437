-- A date cannot be added up.
SELECT SUM(da) AS x FROM kinds
