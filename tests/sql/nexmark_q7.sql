-- Highest bid of each ten seconds: the bids joined with the window's maximum.
CREATE TABLE bid (auction BIGINT, price BIGINT, bidder BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bid', 'format' = 'json');
CREATE TABLE q7 (auction BIGINT, bidder BIGINT, price BIGINT, ts TIMESTAMP(3))
WITH ('connector' = 'kafka', 'topic' = 'q7', 'format' = 'json');
INSERT INTO q7
SELECT B.auction, B.bidder, B.price, B.ts
FROM bid AS B JOIN (
  SELECT MAX(price) AS maxprice, window_end AS ends
  FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end
) AS B1 ON B.price = B1.maxprice
WHERE B.ts BETWEEN B1.ends - INTERVAL '10' SECOND AND B1.ends;
