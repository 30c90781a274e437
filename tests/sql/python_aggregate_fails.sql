-- A Python aggregate function that fails ends the job: an aggregate's rows have no source any more.
CREATE TABLE t (a BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE o (r DOUBLE) WITH ('connector' = 'print');
CREATE FUNCTION picky AS 'python_aggregate_fails.Picky' LANGUAGE PYTHON;
INSERT INTO o SELECT picky(a) FROM t;
