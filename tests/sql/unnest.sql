-- UNNEST of arrays, arrays of rows and maps, for rows that change; LEFT JOIN keeps those without an element.
CREATE TABLE orders (
  id INT, tags ARRAY<STRING>, items ARRAY<ROW<sku STRING, amount INT>>, prices MAP<STRING, INT>,
  PRIMARY KEY (id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'orders', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE tagged (id INT, place INT, tag STRING, PRIMARY KEY (id, place) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'tagged', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE sold (id INT, sku STRING, amount INT, PRIMARY KEY (id, sku) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'sold', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE priced (currency STRING, n BIGINT, top INT, PRIMARY KEY (currency) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'priced', 'key.format' = 'json', 'value.format' = 'json');

BEGIN STATEMENT SET;
INSERT INTO tagged
SELECT id, COALESCE(place, 0), tag
FROM orders LEFT JOIN UNNEST(tags) WITH ORDINALITY AS t (tag, place) ON TRUE;
INSERT INTO sold SELECT id, sku, amount FROM orders, UNNEST(items) AS i WHERE amount > 1;
INSERT INTO priced
SELECT currency, COUNT(*), MAX(price) FROM orders CROSS JOIN UNNEST(prices) AS p (currency, price) GROUP BY currency;
END;
