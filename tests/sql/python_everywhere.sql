-- Python functions in a computed column, a view, a join's condition, a key of GROUP BY, HAVING, and a window.
CREATE FUNCTION city AS 'python_everywhere.city' LANGUAGE PYTHON;
CREATE FUNCTION near AS 'python_everywhere.near' LANGUAGE PYTHON;
CREATE FUNCTION even AS 'python_everywhere.even' LANGUAGE PYTHON;
CREATE TABLE orders (n INT, address STRING, ts TIMESTAMP(3), town AS city(address), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');
CREATE TABLE more LIKE orders;
CREATE TABLE places (n INT, name STRING) WITH ('connector' = 'kafka', 'topic' = 'places', 'format' = 'json');
CREATE TABLE o (what STRING, town STRING, n BIGINT) WITH ('connector' = 'print');
CREATE VIEW towns AS SELECT n, city(address) AS town FROM orders WHERE even(n);
INSERT INTO o SELECT 'view', town, n FROM towns;
INSERT INTO o SELECT 'join', town, p.n FROM orders AS b JOIN places AS p ON b.town = p.name AND near(b.n, p.n);
INSERT INTO o SELECT 'group', city(address), COUNT(*) FROM orders GROUP BY city(address) HAVING even(CAST(COUNT(*) AS INT));
INSERT INTO o SELECT 'window', town, SUM(n)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY town, window_start, window_end;
INSERT INTO o SELECT 'like', town, n FROM more;
