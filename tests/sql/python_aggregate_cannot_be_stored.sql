-- What a Python aggregate function accumulates becomes part of the job's state: one that cannot is told so.
CREATE TABLE t (a BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE o (r BIGINT) WITH ('connector' = 'print');
CREATE FUNCTION locked AS 'python_aggregate_cannot_be_stored.Locked' LANGUAGE PYTHON;
INSERT INTO o SELECT locked(a) FROM t;
