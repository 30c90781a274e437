-- A sum beyond the largest DOUBLE is Infinity, as is its mean, and not NaN.
CREATE TABLE r (k STRING, total DOUBLE, mean DOUBLE) WITH ('connector' = 'print');
INSERT INTO r SELECT k, SUM(v), AVG(v)
FROM (VALUES ('up', 1.7E308), ('up', 1.7E308), ('up', 1E0), ('down', -1.7E308), ('down', -1.7E308)) AS t (k, v)
GROUP BY k;
