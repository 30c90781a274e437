CREATE TABLE t (a INT, b INT) PARTITIONED BY (a) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
