-- A key that comes twice to a group is an error, as in Flink.
CREATE TABLE pairs (k STRING, v INT) WITH ('connector' = 'kafka', 'topic' = 'pairs', 'format' = 'json');
CREATE TABLE objects (o STRING) WITH ('connector' = 'print');
INSERT INTO objects SELECT JSON_OBJECTAGG(k VALUE v) FROM pairs;
