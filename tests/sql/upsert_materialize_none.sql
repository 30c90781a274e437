-- Told not to keep rows, the sink is given what the query has: here, all of them.
SET 'table.exec.sink.upsert-materialize' = 'NONE';
CREATE TABLE visits (id INT, country STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'visits', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE last_of_country (country STRING, id INT, PRIMARY KEY (country) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'last', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO last_of_country SELECT country, id FROM visits;
