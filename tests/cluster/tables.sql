-- The tables that every query of this corpus may read, in Riacho and in Flink over the same topics. They have nulls,
-- duplicates, rows out of order and late ones; those with a key have updates and deletions.

CREATE TABLE bids (
  auction BIGINT, bidder STRING, price DECIMAL(10, 2), quantity INT, paid BOOLEAN, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH (${TOPIC}, 'topic' = 'bids', 'format' = 'json');

CREATE TABLE auctions (
  id BIGINT, seller STRING, category STRING, reserve DECIMAL(10, 2), ts TIMESTAMP(3), expires TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH (${TOPIC}, 'topic' = 'auctions', 'format' = 'json');

-- Another stream of the same shape as bids, with some of its rows.
CREATE TABLE offers (
  auction BIGINT, bidder STRING, price DECIMAL(10, 2), quantity INT, paid BOOLEAN, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH (${TOPIC}, 'topic' = 'offers', 'format' = 'json');

CREATE TABLE accounts (
  id STRING, owner STRING, balance DECIMAL(12, 2), branch INT, PRIMARY KEY (id) NOT ENFORCED
) WITH (${UPSERT_TOPIC}, 'topic' = 'accounts', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE branches (
  id INT, city STRING, PRIMARY KEY (id) NOT ENFORCED
) WITH (${UPSERT_TOPIC}, 'topic' = 'branches', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE rates (
  currency STRING, rate DECIMAL(8, 4), ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH (${TOPIC}, 'topic' = 'rates', 'format' = 'json');

CREATE TABLE orders (
  id INT, currency STRING, amount DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH (${TOPIC}, 'topic' = 'orders', 'format' = 'json');

-- A column of every type, NULL and not.
CREATE TABLE kinds (
  id INT NOT NULL, b BOOLEAN, ti TINYINT, si SMALLINT, i INT, bi BIGINT, f FLOAT, d DOUBLE, de DECIMAL(10, 2),
  wide DECIMAL(38, 10), whole DECIMAL(5, 0), s STRING, v VARCHAR(10), c CHAR(5), n STRING NOT NULL, da DATE, ti0 TIME(0),
  ts TIMESTAMP(3), ts0 TIMESTAMP(0), ltz TIMESTAMP_LTZ(3), a ARRAY<INT>, texts ARRAY<STRING>, m MAP<STRING, INT>,
  r ROW<x INT, y STRING, z ROW<deep DOUBLE>>, j STRING, bin BYTES
) WITH (${TOPIC}, 'topic' = 'kinds', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');

-- No row at all.
CREATE TABLE nothing (
  k STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH (${TOPIC}, 'topic' = 'nothing', 'format' = 'json');

-- Instants around a leap day and both changes of the clocks in Europe.
CREATE TABLE visits (
  page STRING, seen TIMESTAMP_LTZ(3), WATERMARK FOR seen AS seen - INTERVAL '1' SECOND
) WITH (${TOPIC}, 'topic' = 'visits', 'format' = 'json');
