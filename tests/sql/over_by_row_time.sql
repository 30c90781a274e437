-- Each row with what came before it, once the watermark has passed it: late rows are dropped.
CREATE TABLE bids (auction BIGINT, bidder STRING, price DECIMAL(10, 2), ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE recent (auction BIGINT, price DECIMAL(10, 2), ts TIMESTAMP(3), n BIGINT, total DECIMAL(38, 2), average DECIMAL(38, 6), bidders BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'recent', 'format' = 'json');
CREATE TABLE sofar (auction BIGINT, bidder STRING, before DECIMAL(10, 2), opened DECIMAL(10, 2), latest STRING, highest DECIMAL(10, 2))
WITH ('connector' = 'kafka', 'topic' = 'sofar', 'format' = 'json');
CREATE TABLE numbered (auction BIGINT, number BIGINT, two DECIMAL(38, 2))
WITH ('connector' = 'kafka', 'topic' = 'numbered', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO recent
SELECT auction, price, ts, COUNT(*) OVER w, SUM(price) OVER w, AVG(price) OVER w, COUNT(DISTINCT bidder) OVER w
FROM bids
WINDOW w AS (PARTITION BY auction ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW);
INSERT INTO sofar
SELECT auction, bidder,
  LAG(price, 1, 0.00) OVER (PARTITION BY auction ORDER BY ts),
  FIRST_VALUE(price) OVER (PARTITION BY auction ORDER BY ts),
  LAST_VALUE(bidder) OVER (PARTITION BY auction ORDER BY ts),
  MAX(CASE WHEN bidder <> 'x' THEN price END) OVER (PARTITION BY auction ORDER BY ts)
FROM bids;
INSERT INTO numbered
SELECT auction, number, SUM(price) OVER w
FROM (SELECT auction, price, ts, ROW_NUMBER() OVER (ORDER BY ts) AS number FROM bids) AS t
WINDOW w AS (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);
END;
