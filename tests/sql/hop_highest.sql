-- Nexmark q7 with a hopping window: the highest bid of each window, all keys together.
CREATE TABLE bids (price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE highest (window_end TIMESTAMP(3), price BIGINT, n BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'highest', 'format' = 'json');

INSERT INTO highest
SELECT window_end, MAX(price), COUNT(price)
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '4' SECOND))
GROUP BY window_start, window_end;
