-- Past an aggregate no row has a source: a failing expression ends the job whatever the policy.
CREATE TABLE bids (id INT, price INT)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json', 'riacho.bad-records' = 'skip');
CREATE TABLE results (id INT, mean INT) WITH ('connector' = 'print');
INSERT INTO results SELECT id, 100 / SUM(price) FROM bids GROUP BY id;
