-- A grouping by the windows that the rows of a grouping by window have: final rows, when the windows close.
CREATE TABLE sales (shop STRING, item STRING, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'sales', 'format' = 'json');
CREATE TABLE best (window_start TIMESTAMP(3), window_end TIMESTAMP(3), shops BIGINT, best BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'best', 'format' = 'json');
CREATE TABLE hours (window_end TIMESTAMP(3), price BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'hours', 'format' = 'json');
CREATE VIEW shops AS
SELECT shop, window_start, window_end, window_time, SUM(price) AS total
FROM TABLE(TUMBLE(TABLE sales, DESCRIPTOR(ts), INTERVAL '10' MINUTE))
GROUP BY shop, window_start, window_end, window_time;
EXECUTE STATEMENT SET BEGIN
INSERT INTO best
SELECT window_start, window_end, COUNT(*), MAX(total) FROM shops GROUP BY window_start, window_end;
INSERT INTO hours
SELECT window_end, SUM(total)
FROM TABLE(TUMBLE((
  SELECT window_time AS wt, MAX(total) AS total FROM shops GROUP BY window_start, window_end, window_time
), DESCRIPTOR(wt), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;
END;
