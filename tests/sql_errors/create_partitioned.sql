CREATE TABLE t (a INT) PARTITIONED BY (a) WITH ('connector' = 'filesystem');
