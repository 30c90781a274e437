CREATE TABLE orders (city STRING, price INT) WITH ('connector' = 'filesystem', 'path' = '/data/orders', 'format' = 'json');
SET 'execution.runtime-mode' = 'batch';
EXPLAIN SELECT city, SUM(price) AS total FROM orders GROUP BY city ORDER BY total DESC, city;
EXPLAIN SELECT COUNT(*) AS n FROM orders;
