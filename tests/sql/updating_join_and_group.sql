-- A running aggregate over a left join whose right side changes: everything is retracted and added again.
CREATE TABLE sales (product INT, amount INT) WITH ('connector' = 'kafka', 'topic' = 'sales', 'format' = 'json');
CREATE TABLE products (id INT, category STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'products', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE totals (category STRING, n BIGINT, total INT, largest INT, PRIMARY KEY (category) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO totals
SELECT COALESCE(p.category, 'unknown'), COUNT(*), SUM(s.amount), MAX(s.amount)
FROM sales AS s LEFT JOIN products AS p ON s.product = p.id
GROUP BY COALESCE(p.category, 'unknown');
