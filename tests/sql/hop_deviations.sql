-- Deviations in hopping windows, which are added up from slices.
CREATE TABLE bids (auction INT, price DOUBLE, cents DECIMAL(8, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE hours (end_time TIMESTAMP(3), spread DOUBLE, sample DOUBLE, cents DECIMAL(38, 6), dearest DECIMAL(8, 2))
WITH ('connector' = 'kafka', 'topic' = 'hours', 'format' = 'json');

INSERT INTO hours
SELECT window_end, STDDEV_POP(price), VAR_SAMP(price), VAR_POP(cents), MAX(cents)
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '3' HOUR))
GROUP BY window_start, window_end;
