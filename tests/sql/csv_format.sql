-- The csv format: quotes, empty fields, NULL literals, missing last columns.
CREATE TABLE t (id INT, name STRING, price DECIMAL(6, 2), ok BOOLEAN)
WITH (
  'connector' = 'kafka', 'topic' = 't', 'format' = 'csv', 'csv.field-delimiter' = ';', 'csv.null-literal' = 'n/a',
  'csv.ignore-parse-errors' = 'true'
);
CREATE TABLE r (id INT, name STRING, price DECIMAL(6, 2), ok BOOLEAN)
WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r SELECT * FROM t;
