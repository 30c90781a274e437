-- A batch gives the final rows once, sorted, into a table that only grows.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE orders (city STRING, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE totals (city STRING, total BIGINT) WITH ('connector' = 'filesystem', 'path' = '/tmp', 'format' = 'json');
CREATE TABLE highest (city STRING, total BIGINT) WITH ('connector' = 'filesystem', 'path' = '/tmp', 'format' = 'json');
CREATE TABLE windows (start_at TIMESTAMP(3), orders BIGINT)
WITH ('connector' = 'filesystem', 'path' = '/tmp', 'format' = 'json');
CREATE TABLE nothing (orders BIGINT, total BIGINT) WITH ('connector' = 'filesystem', 'path' = '/tmp', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO totals SELECT city, SUM(price) FROM orders GROUP BY city;
INSERT INTO highest SELECT city, SUM(price) FROM orders GROUP BY city ORDER BY SUM(price) DESC, city LIMIT 2;
INSERT INTO windows
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
INSERT INTO nothing SELECT COUNT(*), SUM(price) FROM orders WHERE price > 100;
END;
