-- DOUBLE sums are compensated: what is retracted leaves no trace.
CREATE TABLE t (id INT, v DOUBLE, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE r (total DOUBLE, mean DOUBLE) WITH ('connector' = 'print');
INSERT INTO r SELECT SUM(v), AVG(v) FROM t;
