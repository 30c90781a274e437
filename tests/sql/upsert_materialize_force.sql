-- Forced, it keeps rows of an input that only adds them.
SET 'table.exec.sink.upsert-materialize' = 'FORCE';
CREATE TABLE visits (country STRING, name STRING)
WITH ('connector' = 'kafka', 'topic' = 'visits', 'format' = 'json');
CREATE TABLE last_of_country (country STRING, name STRING, PRIMARY KEY (country) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'last', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO last_of_country SELECT country, name FROM visits;
