-- 'table.exec.sink.type-length-enforcer' = 'ERROR': a text that is longer than its column ends the job.
SET 'table.exec.sink.type-length-enforcer' = 'ERROR';
CREATE TABLE t (a CHAR(3), b VARCHAR(3)) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (a CHAR(3), b VARCHAR(3)) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r SELECT * FROM t;
