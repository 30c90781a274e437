-- Intervals added to and subtracted from dates, times and timestamps.
CREATE TABLE t (d DATE, m TIME, ts TIMESTAMP(6)) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (d DATE, m TIME, ts TIMESTAMP(6), month_end TIMESTAMP(6), gap INT)
WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r
SELECT d - INTERVAL '1' YEAR, m, ts + INTERVAL '1 02:03:04.5' DAY TO SECOND, ts - INTERVAL '1' MONTH,
       TIMESTAMPDIFF(SECOND, ts, ts + INTERVAL '90' MINUTE)
FROM t WHERE d >= DATE '2024-01-01' AND m < TIME '12:00:00';
