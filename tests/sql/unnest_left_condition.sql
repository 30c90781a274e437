-- LEFT JOIN UNNEST with a condition: rows of which no element passes come once, with NULLs; for rows that change.
CREATE TABLE orders (
  id INT, least INT, amounts ARRAY<INT>, items ARRAY<ROW<sku STRING, amount INT>>, PRIMARY KEY (id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'orders', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE big (id INT, place INT, amount INT, PRIMARY KEY (id, place) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'big', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE counted (id INT, skus BIGINT, n BIGINT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'counted', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE latest (id INT, earlier INT, PRIMARY KEY (id, earlier) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'latest', 'key.format' = 'json', 'value.format' = 'json');

BEGIN STATEMENT SET;
INSERT INTO big
SELECT id, COALESCE(place, 0), amount
FROM orders LEFT JOIN UNNEST(amounts) WITH ORDINALITY AS a (amount, place) ON amount > 10;
INSERT INTO counted
SELECT id, COUNT(sku), COUNT(*)
FROM orders LEFT JOIN UNNEST(items) AS i ON i.amount >= orders.least AND sku <> 'x' GROUP BY id;
INSERT INTO latest
SELECT o.id, COALESCE(l.earlier, 0)
FROM orders AS o
LEFT JOIN LATERAL (SELECT p.id AS earlier FROM orders AS p WHERE p.id < o.id) AS l ON l.earlier > 2 AND o.least = 1;
END;
