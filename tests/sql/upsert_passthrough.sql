-- An upserted table, filtered: a row that no longer passes disappears.
CREATE TABLE users (id INT, name STRING, active BOOLEAN, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'users', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE active_users (id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'active', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO active_users SELECT id, name FROM users WHERE active;
