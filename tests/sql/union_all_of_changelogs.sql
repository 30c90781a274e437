-- A running aggregate over UNION ALL of an append-only and an upserted table.
CREATE TABLE sales (shop STRING, amount INT) WITH ('connector' = 'kafka', 'topic' = 'sales', 'format' = 'json');
CREATE TABLE budgets (shop STRING, amount INT, PRIMARY KEY (shop) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'budgets', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE totals (shop STRING, n BIGINT, amount INT, PRIMARY KEY (shop) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO totals
SELECT shop, COUNT(*), SUM(amount) FROM (SELECT shop, amount FROM sales UNION ALL SELECT shop, -amount FROM budgets)
GROUP BY shop;
