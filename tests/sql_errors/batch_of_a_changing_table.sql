SET 'execution.runtime-mode' = 'batch';
CREATE TABLE out_rows (n INT) WITH ('connector' = 'print');
CREATE TABLE changing (n INT, PRIMARY KEY (n) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'scan.bounded.mode' = 'latest-offset');
INSERT INTO out_rows SELECT n FROM changing;
