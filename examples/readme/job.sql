CREATE TABLE orders (city STRING, price INT) WITH (
  'connector' = 'kafka', 'properties.bootstrap.servers' = '${KAFKA}', 'topic' = 'orders',
  'format' = 'json', 'scan.startup.mode' = 'earliest-offset'
);
CREATE TABLE revenue (city STRING, orders BIGINT, total INT, PRIMARY KEY (city) NOT ENFORCED) WITH (
  'connector' = 'upsert-kafka', 'properties.bootstrap.servers' = '${KAFKA}', 'topic' = 'revenue',
  'key.format' = 'json', 'value.format' = 'json'
);
INSERT INTO revenue SELECT city, COUNT(*), SUM(price) FROM orders GROUP BY city;
