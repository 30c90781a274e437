-- Functions of whole columns, over Polars series. A failure is narrowed down to its row.
CREATE TABLE numbers (n INT, x DOUBLE, y DOUBLE) WITH (
  'connector' = 'kafka', 'topic' = 'numbers', 'format' = 'json', 'riacho.bad-records' = 'dead-letter'
);
CREATE TABLE o (n BIGINT, d DOUBLE, a STRING) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE FUNCTION doubled AS 'python_vectorised.doubled' LANGUAGE PYTHON;
CREATE FUNCTION distance AS 'python_vectorised.distance' LANGUAGE PYTHON;
CREATE FUNCTION always AS 'python_vectorised.always' LANGUAGE PYTHON;
INSERT INTO o SELECT doubled(n), distance(x, y), always(n) FROM numbers;
