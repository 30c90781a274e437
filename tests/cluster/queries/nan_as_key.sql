-- In groups and as a key of a join NaN is one value.
SELECT a.y, COUNT(*) AS n, COUNT(DISTINCT a.x) AS d FROM (SELECT id, (d - d) / 0 AS x, (f - f) / CAST(0 AS FLOAT) AS y FROM kinds) AS a JOIN (SELECT id, (d - d) / 0 AS x FROM kinds) AS b ON a.x = b.x GROUP BY a.y
