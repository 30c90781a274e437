-- Computed columns over physical and metadata ones; a record's coordinates, time, headers and key.
CREATE TABLE events (
  id INT,
  name STRING,
  shard INT,
  loud AS UPPER(name) || '!',
  `topic` STRING METADATA VIRTUAL,
  part INT METADATA FROM 'partition' VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL,
  at_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  headers MAP<STRING, BYTES> METADATA,
  sender AS CAST(headers['sender'] AS STRING)
) WITH (
  'connector' = 'kafka', 'topic' = 'events', 'key.format' = 'json', 'key.fields' = 'shard',
  'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY'
);
CREATE TABLE results (
  id INT, loud STRING, shard INT, `topic` STRING, part INT, `offset` BIGINT, at_time TIMESTAMP_LTZ(3), sender STRING
) WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');
INSERT INTO results SELECT id, loud, shard, `topic`, part, `offset`, at_time, sender FROM events;
