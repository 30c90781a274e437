-- Grouping sets within windows: each set's rows once, when the window closes.
CREATE TABLE bids (auction INT, bidder STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');

CREATE TABLE hours (start_time TIMESTAMP(3), auction INT, bidder STRING, g BIGINT, n BIGINT, bidders STRING)
WITH ('connector' = 'kafka', 'topic' = 'hours', 'format' = 'json');

INSERT INTO hours
SELECT window_start, auction, bidder, GROUPING_ID(auction, bidder), COUNT(*), LISTAGG(bidder)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, GROUPING SETS ((auction), (bidder), ());
