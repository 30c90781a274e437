-- 'table.exec.sink.not-null-enforcer' = 'DROP': such rows are left out; one that replaced another takes it along.
SET 'table.exec.sink.not-null-enforcer' = 'DROP';
CREATE TABLE t (id INT, name STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE appended (id INT NOT NULL, name STRING NOT NULL) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
CREATE TABLE newest (id INT, name STRING NOT NULL, n BIGINT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'newest', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE u (id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO appended SELECT * FROM t;
INSERT INTO newest SELECT id, name, 1 FROM u;
END;
