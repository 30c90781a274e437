-- Joins that all compare one key, of tables that change: one step.
CREATE TABLE people (id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'people', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE bids (person INT, price INT) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE cities (person INT, city STRING, PRIMARY KEY (person) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'cities', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE blocked (id INT, person INT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'blocked', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE r (name STRING, price INT, city STRING, `blocked` BOOLEAN) WITH ('connector' = 'print');
CREATE TABLE allowed (id INT, name STRING, city STRING) WITH ('connector' = 'print');
INSERT INTO r
SELECT p.name, b.price, c.city, EXISTS (SELECT 1 FROM blocked WHERE person = p.id)
FROM bids AS b JOIN people AS p ON b.person = p.id LEFT JOIN cities AS c ON c.person = b.person;
INSERT INTO allowed
SELECT p.id, p.name, c.city
FROM people AS p LEFT JOIN cities AS c ON c.person = p.id
WHERE NOT EXISTS (SELECT 1 FROM blocked WHERE person = p.id);
