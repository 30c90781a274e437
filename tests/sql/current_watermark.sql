-- Rows behind the watermark, found by CURRENT_WATERMARK: it is NULL before the first row.
CREATE TABLE bids (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE late (id INT, ts TIMESTAMP(3), behind TIMESTAMP(3))
WITH ('connector' = 'kafka', 'topic' = 'late', 'format' = 'json');
INSERT INTO late SELECT id, ts, CURRENT_WATERMARK(ts) FROM bids WHERE ts <= CURRENT_WATERMARK(ts);
