-- A cross-section of the temporal functions.
CREATE TABLE t (ts TIMESTAMP(3), d DATE) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (
  y BIGINT, q BIGINT, w BIGINT, dow BIGINT, plus_month TIMESTAMP(3), floor_hour TIMESTAMP(3), ceil_day TIMESTAMP(3),
  fmt STRING, diff INT, parsed TIMESTAMP(3), next_day DATE
) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r
SELECT YEAR(ts), QUARTER(ts), WEEK(ts), DAYOFWEEK(ts), TIMESTAMPADD(MONTH, 1, ts), FLOOR(ts TO HOUR), CEIL(ts TO DAY),
       DATE_FORMAT(ts, 'yyyy/MM/dd HH:mm'), TIMESTAMPDIFF(DAY, CAST(d AS TIMESTAMP(3)), ts),
       TO_TIMESTAMP('2024-05-06 07:08:09'), d + INTERVAL '1' DAY
FROM t;
