-- 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD': what is written has the columns' lengths; NULL stays NULL.
SET 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD';
CREATE TABLE t (id INT, a CHAR(3), b VARCHAR(3), c BINARY(3), d VARBINARY(3), s STRING)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (id INT, a CHAR(3), b VARCHAR(3), c BINARY(3), d VARBINARY(3), s STRING)
WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
CREATE TABLE counts (a CHAR(3), n BIGINT NOT NULL, PRIMARY KEY (a) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'counts', 'key.format' = 'json', 'value.format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO r SELECT * FROM t;
INSERT INTO counts SELECT a, COUNT(*) FROM t WHERE a IS NOT NULL GROUP BY a;
END;
