-- With a bounded frame a row is late once its partition has given out one of its time or a later one.
CREATE TABLE bids (auction BIGINT, bidder STRING, price INT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE timed (auction BIGINT, bidder STRING, n BIGINT, total INT)
WITH ('connector' = 'kafka', 'topic' = 'timed', 'format' = 'json');
CREATE TABLE counted (auction BIGINT, bidder STRING, n BIGINT, total INT)
WITH ('connector' = 'kafka', 'topic' = 'counted', 'format' = 'json');
CREATE TABLE endless (auction BIGINT, bidder STRING, n BIGINT, total INT)
WITH ('connector' = 'kafka', 'topic' = 'endless', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO timed
SELECT auction, bidder, COUNT(*) OVER w, SUM(price) OVER w FROM bids
WINDOW w AS (PARTITION BY auction ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW);
INSERT INTO counted
SELECT auction, bidder, COUNT(*) OVER w, SUM(price) OVER w FROM bids
WINDOW w AS (PARTITION BY auction ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);
INSERT INTO endless
SELECT auction, bidder, COUNT(*) OVER w, SUM(price) OVER w FROM bids
WINDOW w AS (PARTITION BY auction ORDER BY ts);
END;
