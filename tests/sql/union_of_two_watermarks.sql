-- Over UNION ALL the watermark is the slower one's, and the faster one's alone once the slower has ended.
CREATE TABLE web (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'web', 'format' = 'json');
CREATE TABLE app (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'app', 'format' = 'json');
CREATE VIEW visits AS SELECT id, ts FROM web UNION ALL SELECT id, ts FROM app;
CREATE TABLE counts (window_start TIMESTAMP(3), n BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'counts', 'format' = 'json');
INSERT INTO counts
SELECT window_start, COUNT(*)
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
