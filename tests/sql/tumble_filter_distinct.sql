-- Aggregates with FILTER and DISTINCT in a window.
CREATE TABLE bids (auction BIGINT, bidder BIGINT, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE days (`day` DATE, bids BIGINT, cheap BIGINT, bidders BIGINT, rich BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'days', 'format' = 'json');

INSERT INTO days
SELECT
  CAST(window_start AS DATE), COUNT(*), COUNT(*) FILTER (WHERE price < 10), COUNT(DISTINCT bidder),
  COUNT(DISTINCT bidder) FILTER (WHERE price >= 10)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' DAY))
GROUP BY window_start, window_end;
