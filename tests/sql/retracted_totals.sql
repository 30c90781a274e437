-- Aggregates over a table that is upserted into: an update takes the old row back, a tombstone removes it.
CREATE TABLE products (id INT, category STRING, price INT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'products', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE categories (
  category STRING, n BIGINT, total INT, cheapest INT, dearest INT, prices BIGINT, dear BIGINT,
  PRIMARY KEY (category) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'categories', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO categories
SELECT category, COUNT(*), SUM(price), MIN(price), MAX(price), COUNT(DISTINCT price), COUNT(*) FILTER (WHERE price > 4)
FROM products GROUP BY category;
