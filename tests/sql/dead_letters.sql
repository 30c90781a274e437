-- The same with dead letters: each with its reason and its origin.
CREATE TABLE bids (id INT, price STRING)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json', 'riacho.bad-records' = 'dead-letter');
CREATE TABLE results (id INT, price INT) WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');
INSERT INTO results SELECT id, CAST(price AS INT) FROM bids;
