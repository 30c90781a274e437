-- INSERT INTO with columns in another order, and one left out, which is NULL.
CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (x INT, y STRING, z DOUBLE) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r (y, x) SELECT b, a FROM t;
