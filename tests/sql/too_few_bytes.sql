-- 'table.exec.sink.type-length-enforcer' = 'ERROR': a BINARY is of its column's length, not shorter.
SET 'table.exec.sink.type-length-enforcer' = 'ERROR';
CREATE TABLE t (a VARBINARY(3), b BINARY(3)) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (a VARBINARY(3), b BINARY(3)) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r SELECT * FROM t;
