-- TABLE t is all of a table, wherever a query may stand.
CREATE TABLE t (id INT, name STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE o (id INT, name STRING) WITH ('connector' = 'print');
CREATE TABLE p (id INT, name STRING) WITH ('connector' = 'print');
INSERT INTO o TABLE t;
INSERT INTO p WITH x AS (TABLE default_database.t) SELECT x.id, u.name FROM x JOIN (TABLE t) AS u ON x.id = u.id;
