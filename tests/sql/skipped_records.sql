-- Records that are no JSON, or whose expression fails, are skipped and counted.
CREATE TABLE bids (id INT, price STRING)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json', 'riacho.bad-records' = 'skip');
CREATE TABLE results (id INT, price INT, inverse INT) WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');
INSERT INTO results SELECT id, CAST(price AS INT), 100 / id FROM bids;
