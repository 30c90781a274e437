CREATE TABLE names (id BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = '/names', 'format' = 'json', 'lookup.cache' = 'PARTIAL');
INSERT INTO anything
SELECT name, total
FROM (SELECT bidder, SUM(price) AS total, PROCTIME() AS seen FROM bids GROUP BY bidder) AS b
JOIN names FOR SYSTEM_TIME AS OF b.seen AS n ON b.bidder = n.id;
