-- A temporal join: each order is converted at the rate that stood when it was made, though rates come late or change.
CREATE TABLE orders (id INT, currency STRING, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json');
CREATE TABLE rates (
  currency STRING, rate INT, since TIMESTAMP(3), WATERMARK FOR since AS since, PRIMARY KEY (currency) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'rates', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE converted (id INT, euros INT)
WITH ('connector' = 'kafka', 'topic' = 'converted', 'format' = 'json');

CREATE TABLE dear (id INT, rate INT)
WITH ('connector' = 'kafka', 'topic' = 'dear', 'format' = 'json');

BEGIN STATEMENT SET;
INSERT INTO converted
SELECT o.id, o.amount * r.rate
FROM orders AS o LEFT JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency;
-- A version that the condition throws away still ends the one before it.
INSERT INTO dear
SELECT o.id, r.rate
FROM orders AS o JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency
WHERE r.rate < 4;
END;
