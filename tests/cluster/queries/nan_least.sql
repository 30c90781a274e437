-- differs: NaN is greater than every number; in Flink the least and the greatest depend on whether it comes first.
SELECT MIN(z) AS a, MAX(z) AS b FROM (SELECT d AS z, id FROM kinds UNION ALL SELECT (d - d) / 0, id FROM kinds) AS t WHERE id > 2
