-- Of FLOAT and DOUBLE the first decides.
SELECT f AS x FROM kinds UNION ALL SELECT d FROM kinds
