-- differs: REGEXP_REPLACE may be NULL, where the pattern is malformed; Flink calls it NOT NULL where its arguments are.
SELECT REGEXP_REPLACE(n, '[aeiou]', '*') AS d FROM kinds
