-- By default a bad record ends the job.
CREATE TABLE bids (id INT, price INT) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE results (id INT) WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');
INSERT INTO results SELECT id FROM bids WHERE price > 1;
