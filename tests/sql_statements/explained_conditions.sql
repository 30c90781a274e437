-- Fields of rows, BETWEEN and IN are shown as they are written, durations in the largest unit that fits.
CREATE TABLE calls (
  caller ROW<id BIGINT, home ROW<city STRING>>, lasts INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'kafka', 'topic' = 'calls', 'format' = 'json');
EXPLAIN SELECT caller.home.city, window_end, COUNT(*) FROM TABLE(HOP(TABLE calls, DESCRIPTOR(ts), INTERVAL '90' SECOND, INTERVAL '1' HOUR))
WHERE lasts BETWEEN 2 AND 60 AND caller.home.city IN ('Recife', 'Lisboa') GROUP BY caller.home.city, window_start, window_end;
EXPLAIN SELECT caller, lasts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY caller.id ORDER BY lasts DESC) AS place FROM calls) WHERE place = 1;
