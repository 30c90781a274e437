-- Several rows of the query share a country: the last that came is kept, and the one before it comes back.
CREATE TABLE visits (id INT, country STRING, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'visits', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE last_of_country (country STRING, name STRING, PRIMARY KEY (country) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'last', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO last_of_country SELECT country, name FROM visits;
