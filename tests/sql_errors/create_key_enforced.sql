CREATE TABLE t (a INT PRIMARY KEY) WITH ('connector' = 'upsert-kafka');
