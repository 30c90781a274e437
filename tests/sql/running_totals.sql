-- An unwindowed GROUP BY is a changelog: the accumulated one has one row per key.
CREATE TABLE bids (auction BIGINT, price BIGINT, channel STRING)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE totals (
  auction BIGINT, n BIGINT, priced BIGINT, total BIGINT, mean BIGINT, lowest BIGINT, highest BIGINT,
  web BIGINT, channels BIGINT
) WITH ('connector' = 'print');

INSERT INTO totals
SELECT auction, COUNT(*), COUNT(price), SUM(price), AVG(price), MIN(price), MAX(price),
       SUM(price) FILTER (WHERE channel = 'web'), COUNT(DISTINCT channel)
FROM bids GROUP BY auction;
