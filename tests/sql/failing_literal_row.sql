-- A literal row has no source, whose policy could drop it: it ends the job, also beside rows that have one.
CREATE TABLE bids (id INT, price INT)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json', 'riacho.bad-records' = 'skip');
CREATE TABLE results (id INT, share INT) WITH ('connector' = 'print');
INSERT INTO results SELECT id, 100 / price FROM (SELECT id, price FROM bids UNION ALL SELECT 7, 0);
