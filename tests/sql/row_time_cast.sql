-- A row time that is cast to its own type is a plain timestamp: it can be written beside the row time.
CREATE TABLE bids (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE written (id INT, ts TIMESTAMP(3), again TIMESTAMP(3))
WITH ('connector' = 'kafka', 'topic' = 'written', 'format' = 'json');
INSERT INTO written SELECT id, ts, CAST(ts AS TIMESTAMP(3)) FROM bids WHERE CAST(ts AS TIMESTAMP(3)) > TIMESTAMP '2024-01-01 00:00:01';
