CREATE TABLE bids (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE people (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'people', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE o (name STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE windows (channel STRING, ended TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
EXPLAIN SELECT name, COUNT(*) AS c FROM people GROUP BY name;
EXPLAIN CHANGELOG_MODE
INSERT INTO o SELECT name, SUM(price) FROM bids JOIN people ON bidder = id WHERE price > 10 GROUP BY name;
EXPLAIN PLAN_ADVICE, ESTIMATED_COST STATEMENT SET BEGIN
  INSERT INTO windows SELECT channel, window_end, COUNT(*)
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY channel, window_start, window_end;
  INSERT INTO o SELECT channel, price FROM bids;
END;
