-- Debezium's events: a table that changes is counted as it stands.
CREATE TABLE orders (
  id INT, city STRING, price DECIMAL(10, 2),
  source_table STRING METADATA FROM 'value.source.table' VIRTUAL,
  PRIMARY KEY (id) NOT ENFORCED
) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'debezium-json', 'riacho.bad-records' = 'skip');
CREATE TABLE of_city (city STRING, orders BIGINT, total DECIMAL(38, 2), PRIMARY KEY (city) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'cities', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE seen (id INT, source_table STRING) WITH ('connector' = 'print');
EXECUTE STATEMENT SET BEGIN
INSERT INTO of_city SELECT city, COUNT(*), SUM(price) FROM orders GROUP BY city;
INSERT INTO seen SELECT id, source_table FROM orders;
END;
