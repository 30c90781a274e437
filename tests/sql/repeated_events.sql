-- Events that come again are told apart by the primary key.
SET 'table.exec.source.cdc-events-duplicate' = 'true';
CREATE TABLE orders (id INT, city STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'maxwell-json');
CREATE TABLE of_city (city STRING, orders BIGINT) WITH ('connector' = 'print');
INSERT INTO of_city SELECT city, COUNT(*) FROM orders GROUP BY city;
