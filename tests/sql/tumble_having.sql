-- HAVING and expressions over aggregates of a window.
CREATE TABLE bids (auction BIGINT, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE busy (auction BIGINT, hour_of_day BIGINT, mean BIGINT, spread BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'busy', 'format' = 'json');

INSERT INTO busy
SELECT auction, EXTRACT(HOUR FROM window_start), AVG(price), MAX(price) - MIN(price)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR))
GROUP BY auction, window_start, window_end
HAVING COUNT(*) > 1;
