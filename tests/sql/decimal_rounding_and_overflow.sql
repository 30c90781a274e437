-- Decimals round half up, away from zero; what has too many digits is NULL; integers wrap around.
CREATE TABLE t (id INT, a DECIMAL(4, 2), b DECIMAL(38, 2), i INT, l BIGINT)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (
  id INT, half DECIMAL(3, 1), third DECIMAL(10, 6), rounded DECIMAL(4, 1), twice DECIMAL(38, 2), up INT, down BIGINT,
  narrow DECIMAL(2, 1)
) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r
SELECT id, CAST(a AS DECIMAL(3, 1)), CAST(a / 3 AS DECIMAL(10, 6)), ROUND(a, 1), CAST(b + b AS DECIMAL(38, 2)), i + 1, l - 1,
       CAST(a AS DECIMAL(2, 1))
FROM t;
