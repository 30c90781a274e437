-- UNION ALL keeps duplicates; column names are the first branch's.
CREATE TABLE web (id INT, page STRING) WITH ('connector' = 'kafka', 'topic' = 'web', 'format' = 'json');
CREATE TABLE app (id INT, screen STRING) WITH ('connector' = 'kafka', 'topic' = 'app', 'format' = 'json');
CREATE TABLE viewed (id BIGINT, place STRING) WITH ('connector' = 'kafka', 'topic' = 'viewed', 'format' = 'json');
INSERT INTO viewed
SELECT id, place FROM (SELECT id, page AS place FROM web UNION ALL SELECT id, screen FROM app) WHERE place <> 'x';
