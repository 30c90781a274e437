-- OVER in a batch: several windows in one SELECT, later rows, numbers of rows without a top-N, over an aggregate, too.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE orders (city STRING, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
CREATE TABLE neighbours (city STRING, price INT, before INT, `after` INT, around INT, share DOUBLE)
WITH ('connector' = 'filesystem', 'path' = '/tmp', 'format' = 'json');
CREATE TABLE ranked (city STRING, total BIGINT, place BIGINT, half BIGINT)
WITH ('connector' = 'filesystem', 'path' = '/tmp', 'format' = 'json');
CREATE TABLE dearest (city STRING, price INT, place BIGINT, highest INT)
WITH ('connector' = 'filesystem', 'path' = '/tmp', 'format' = 'json');
CREATE TABLE hours (city STRING, within_a_minute BIGINT)
WITH ('connector' = 'filesystem', 'path' = '/tmp', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO neighbours SELECT city, price, LAG(price, 1, 0) OVER w, LEAD(price) OVER w,
  SUM(price) OVER (PARTITION BY city ORDER BY ts ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING),
  PERCENT_RANK() OVER (ORDER BY price)
FROM orders WINDOW w AS (PARTITION BY city ORDER BY ts);
INSERT INTO ranked
SELECT city, SUM(price), RANK() OVER (ORDER BY SUM(price) DESC), NTILE(2) OVER (ORDER BY SUM(price) DESC, city)
FROM orders GROUP BY city;
INSERT INTO dearest SELECT * FROM (
  SELECT city, price, RANK() OVER (PARTITION BY city ORDER BY price DESC) AS place, MAX(price) OVER () AS highest FROM orders
) WHERE place = 1;
INSERT INTO hours SELECT city, COUNT(*) OVER (
  ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND INTERVAL '10' SECOND FOLLOWING
) FROM orders;
END;
