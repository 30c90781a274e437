-- A group that no longer passes HAVING is taken back.
CREATE TABLE t (id INT, k STRING, v INT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE r (k STRING, total INT) WITH ('connector' = 'print');
INSERT INTO r SELECT k, SUM(v) FROM t GROUP BY k HAVING SUM(v) > 5;
