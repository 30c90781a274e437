CREATE TABLE orders (id BIGINT, customer BIGINT, total INT) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');
CREATE TABLE shipments (order_id BIGINT, place STRING) WITH ('connector' = 'kafka', 'topic' = 'shipments', 'format' = 'json');
CREATE TABLE customers (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'customers', 'key.format' = 'json', 'value.format' = 'json');
EXPLAIN SELECT o.id, c.name, s.place
FROM orders AS o JOIN customers AS c ON c.id = o.customer LEFT JOIN shipments AS s ON s.order_id = o.id
WHERE EXISTS (SELECT 1 FROM orders AS p WHERE p.customer = c.id);
SET 'table.optimizer.delta-join.strategy' = 'NONE';
EXPLAIN SELECT o.id, c.name, s.place
FROM orders AS o JOIN customers AS c ON c.id = o.customer JOIN shipments AS s ON s.order_id = o.id;
EXPLAIN SELECT o.id AS order_id, c.id AS customer_id FROM orders AS o JOIN customers AS c ON c.id = o.customer
WHERE c.id + o.id > 1 OR o.id > c.id * 2;
