-- A left join of two changelogs: a row without a partner is padded until one comes, and again once it goes.
CREATE TABLE orders (id INT, customer INT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'orders', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE customers (id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'customers', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE named (id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'named', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO named
SELECT o.id, c.name FROM orders AS o LEFT JOIN customers AS c ON o.customer = c.id;
