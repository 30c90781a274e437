CREATE TABLE t (id INT, PRIMARY KEY (ids) NOT ENFORCED) WITH ('connector' = 'upsert-kafka');
