-- Joins of joins, each with keys of its own.
CREATE TABLE a (id INT, b_id INT) WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json');
CREATE TABLE b (id INT, c_id INT) WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json');
CREATE TABLE c (id INT, name STRING) WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'json');
CREATE TABLE r (a INT, b INT, name STRING) WITH ('connector' = 'print');
INSERT INTO r SELECT a.id, b.id, c.name FROM a LEFT JOIN b ON a.b_id = b.id LEFT JOIN c ON b.c_id = c.id;
