-- Calculation: a filter, a conversion and a CASE over the hour of the bid.
CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, ts TIMESTAMP(3), extra STRING)
WITH ('connector' = 'kafka', 'topic' = 'bid', 'format' = 'json');
CREATE TABLE q14 (auction BIGINT, bidder BIGINT, price DECIMAL(23, 3), bid_time STRING, ts TIMESTAMP(3), extra STRING)
WITH ('connector' = 'kafka', 'topic' = 'q14', 'format' = 'json');
INSERT INTO q14
SELECT auction, bidder, 0.908 * price AS price,
  CASE
    WHEN HOUR(ts) >= 8 AND HOUR(ts) <= 18 THEN 'dayTime'
    WHEN HOUR(ts) <= 6 OR HOUR(ts) >= 20 THEN 'nightTime'
    ELSE 'otherTime'
  END AS bid_time, ts, extra
FROM bid
WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000;
