CREATE TABLE t (id INT) WITH ('connector' = 'upsert-kafka');
