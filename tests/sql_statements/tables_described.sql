CREATE TABLE bids (
  auction BIGINT,
  price DECIMAL(10, 2) COMMENT 'in euro',
  ts TIMESTAMP(3),
  arrived TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  dear AS price * 2,
  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND
) COMMENT 'all bids' WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TEMPORARY VIEW high COMMENT 'dear ones' AS SELECT auction, price AS p, ts FROM bids WHERE price > 10;
DESCRIBE bids;
DESC EXTENDED high;
SHOW COLUMNS IN bids LIKE '%t%';
SHOW CREATE TABLE bids;
SHOW CREATE VIEW high;
SHOW TABLES;
SHOW TABLES NOT LIKE 'b_ds';
SHOW VIEWS;
