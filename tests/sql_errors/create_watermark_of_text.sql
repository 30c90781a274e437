CREATE TABLE t (ts STRING, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
