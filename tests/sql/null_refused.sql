-- A NULL for a NOT NULL column ends the job.
CREATE TABLE t (id INT, name STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (id INT, name STRING NOT NULL) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r SELECT * FROM t;
