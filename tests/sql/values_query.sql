-- A query over literal rows.
CREATE TABLE r (id INT, name STRING) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r SELECT id + 1, name FROM (VALUES (1, 'a'), (2, CAST(NULL AS STRING))) AS t(id, name);
