-- Functions that keep values, over the rows so far and over frames.
CREATE TABLE bids (who STRING, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE so_far (who STRING, prices STRING, `each` ARRAY<INT>, bag MULTISET<STRING>, middle DOUBLE, spread INT)
WITH ('connector' = 'kafka', 'topic' = 'so_far', 'format' = 'json');
CREATE TABLE lately (who STRING, prices ARRAY<INT>, spread INT)
WITH ('connector' = 'kafka', 'topic' = 'lately', 'format' = 'json');

EXECUTE STATEMENT SET BEGIN
INSERT INTO so_far
  SELECT who, LISTAGG(CAST(price AS STRING), '<') OVER w, ARRAY_AGG(DISTINCT price) OVER w, COLLECT(CAST(price AS STRING)) OVER w,
    PERCENTILE(price, 0.5) OVER w, STDDEV_POP(price) OVER w
  FROM bids WINDOW w AS (PARTITION BY who ORDER BY ts);
INSERT INTO lately
  SELECT who, ARRAY_AGG(price) OVER w, VAR_POP(price) OVER w
  FROM bids WINDOW w AS (PARTITION BY who ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);
END;
