-- Intervals of a column's number of units, in units of several, and as the type of a cast.
CREATE TABLE t (id INT, ts TIMESTAMP(3), n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE o (id INT, later TIMESTAMP(3), earlier TIMESTAMP(3), months DATE, cast_days STRING) WITH ('connector' = 'print');
INSERT INTO o SELECT id, ts + INTERVAL n DAYS, ts - INTERVAL '90' MINUTES, CAST(ts AS DATE) + INTERVAL (n - 1) MONTH,
  CAST(CAST(CAST(n AS INTERVAL DAY) AS INTERVAL HOURS) AS STRING)
FROM t;
