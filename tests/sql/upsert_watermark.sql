-- An upserted table with a row time: a window counts the rows that it holds when it closes; old values move no watermark.
CREATE TABLE trips (
  id INT, city STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND, PRIMARY KEY (id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'trips', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE of_window (window_start TIMESTAMP(3), city STRING, trips BIGINT) WITH ('connector' = 'print');
INSERT INTO of_window
SELECT window_start, city, COUNT(*)
FROM TABLE(TUMBLE(TABLE trips, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, city;
