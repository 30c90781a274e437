-- The window table function's columns come after the table's own; a filter above it is applied to them too.
CREATE TABLE bids (price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE windowed (price BIGINT, ts TIMESTAMP(3), ws TIMESTAMP(3), we TIMESTAMP(3), wt TIMESTAMP(3))
WITH ('connector' = 'kafka', 'topic' = 'windowed', 'format' = 'json');

INSERT INTO windowed
SELECT * FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
WHERE window_start >= TIMESTAMP '2024-01-01 00:01:00';
