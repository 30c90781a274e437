-- UNNEST of a MULTISET gives each element as often as it occurs; of an array of ROWs, nothing for a ROW that is NULL.
CREATE TABLE orders (id INT, tag STRING, items ARRAY<ROW<sku STRING, amount INT>>)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');

CREATE TABLE tagged (tag STRING, n BIGINT, PRIMARY KEY (tag) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'tagged', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE sold (id INT, place INT, sku STRING, amount INT)
WITH ('connector' = 'kafka', 'topic' = 'sold', 'format' = 'json');
CREATE TABLE all_sold (id INT, sku STRING, amount INT)
WITH ('connector' = 'kafka', 'topic' = 'all_sold', 'format' = 'json');

BEGIN STATEMENT SET;
INSERT INTO tagged
SELECT t.tag, COUNT(*) FROM (SELECT COLLECT(tag) AS tags FROM orders) CROSS JOIN UNNEST(tags) AS t (tag) GROUP BY t.tag;
INSERT INTO sold SELECT id, place, sku, amount FROM orders, UNNEST(items) WITH ORDINALITY AS i (sku, amount, place);
INSERT INTO all_sold SELECT id, sku, amount FROM orders LEFT JOIN UNNEST(items) AS i (sku, amount) ON TRUE;
END;
