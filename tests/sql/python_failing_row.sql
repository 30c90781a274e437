-- A row on which a Python function fails obeys its source's policy; the reason names function, row and column.
CREATE TABLE numbers (n INT) WITH (
  'connector' = 'kafka', 'topic' = 'numbers', 'format' = 'json', 'riacho.bad-records' = 'dead-letter'
);
CREATE TABLE o (r DOUBLE, t BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE FUNCTION reciprocal AS 'python_failing_row.reciprocal' LANGUAGE PYTHON;
CREATE FUNCTION tidy AS 'python_failing_row.tidy' LANGUAGE PYTHON;
INSERT INTO o SELECT reciprocal(n), tidy(n) FROM numbers;
