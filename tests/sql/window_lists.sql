-- Functions that keep the values themselves, in hopping windows.
CREATE TABLE bids (auction INT, bidder STRING, price DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE hours (
  end_time TIMESTAMP(3), bidders STRING, prices ARRAY<DOUBLE>, bag MULTISET<STRING>, opening DOUBLE, closing DOUBLE,
  middle DOUBLE, spread DOUBLE, bidder STRING
) WITH ('connector' = 'kafka', 'topic' = 'hours', 'format' = 'json');

INSERT INTO hours
SELECT
  window_end, LISTAGG(DISTINCT bidder), ARRAY_AGG(price), COLLECT(bidder), FIRST_VALUE(price), LAST_VALUE(price),
  PERCENTILE(price, 0.5), STDDEV_POP(price), LAST_VALUE(bidder)
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '2' HOUR))
GROUP BY window_start, window_end;
