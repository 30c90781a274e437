-- Records as Avro's JSON: unions name their branch. The binary form is tested beside the formats.
CREATE TABLE trades (id BIGINT NOT NULL, price DECIMAL(6, 2), done TIMESTAMP(3), tags MAP<STRING, INT>)
WITH ('connector' = 'kafka', 'topic' = 'trades', 'format' = 'avro', 'avro.encoding' = 'json', 'riacho.bad-records' = 'skip');
CREATE TABLE latest (id BIGINT, price DECIMAL(6, 2), done TIMESTAMP_LTZ(3), red INT, PRIMARY KEY (id) NOT ENFORCED)
WITH (
  'connector' = 'upsert-kafka', 'topic' = 'latest', 'key.format' = 'avro', 'key.avro.encoding' = 'json',
  'value.format' = 'avro', 'value.avro.encoding' = 'json', 'value.avro.timestamp_mapping.legacy' = 'false'
);
INSERT INTO latest SELECT id, price, CAST(done AS TIMESTAMP_LTZ(3)), tags['red'] FROM trades;
