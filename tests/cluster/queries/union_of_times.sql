-- A date and a timestamp have no common type.
SELECT da AS x FROM kinds UNION ALL SELECT ts FROM kinds
