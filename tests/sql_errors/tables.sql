-- What every wrong statement of this folder may refer to.
CREATE TABLE bids (
  auction BIGINT,
  bidder  BIGINT,
  price   BIGINT,
  channel STRING,
  extra   ROW<code INT, note STRING>,
  tags    ARRAY<STRING>,
  ts      TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE people (
  id   BIGINT,
  name STRING,
  PRIMARY KEY (id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'people');

CREATE TABLE totals (
  channel STRING,
  total   BIGINT
) WITH ('connector' = 'kafka', 'topic' = 'totals', 'format' = 'json');

CREATE TABLE anything (channel STRING, total BIGINT) WITH ('connector' = 'print');

CREATE TABLE strict (id BIGINT NOT NULL, name STRING) WITH ('connector' = 'blackhole');

CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen');

CREATE VIEW expensive AS SELECT * FROM bids WHERE price > 1000;

CREATE TABLE daily (n INT, d DATE, bits BOOLEAN) PARTITIONED BY (d, bits) WITH (
  'connector' = 'filesystem', 'path' = '/tmp/daily', 'format' = 'json'
);
