CREATE TABLE visits (d STRING, page_name STRING, pageXname STRING, PRIMARY KEY (d, page_name) NOT ENFORCED) WITH (
  'value.format' = 'json', 'connector' = 'upsert-kafka', 'topic' = 'visits', 'key.format' = 'json'
);
CREATE TABLE daily (visits BIGINT, d STRING) PARTITIONED BY (d) WITH (
  'path' = '/tmp/daily', 'connector' = 'filesystem', 'format' = 'json'
);
SHOW CREATE TABLE visits;
SHOW COLUMNS FROM visits LIKE 'page\_%';
SHOW TABLES FROM default_catalog.default_database NOT LIKE '%s';
SHOW CATALOGS ILIKE 'DEFAULT%';
SHOW PARTITIONS daily;
SHOW PARTITIONS default_database.daily PARTITION (d = '2026-01-01');
USE MODULES core;
SHOW MODULES;
SHOW FULL MODULES;
SHOW JARS;
SHOW FUNCTIONS ILIKE 'ARRAY\_A%';
DESCRIBE FUNCTION array_agg;
DESCRIBE FUNCTION EXTENDED `uuid`;
DESCRIBE FUNCTION EXTENDED array_agg;
