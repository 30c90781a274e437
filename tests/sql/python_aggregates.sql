-- Python aggregate functions: running, with FILTER and HAVING, over a changelog that retracts, and in windows.
CREATE TABLE bids (channel STRING, price DOUBLE, n BIGINT, word STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE means (channel STRING, mean DOUBLE, dear DOUBLE, words ARRAY<STRING>, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE retracted (mean DOUBLE) WITH ('connector' = 'print');
CREATE TABLE windowed (ended TIMESTAMP(3), mean DOUBLE) WITH ('connector' = 'print');
CREATE FUNCTION weighted_mean AS 'python_aggregates.WeightedMean' LANGUAGE PYTHON;
CREATE FUNCTION commonest AS 'python_aggregates.Commonest' LANGUAGE PYTHON;
INSERT INTO means
SELECT channel, weighted_mean(price, n), weighted_mean(price, n) FILTER (WHERE price > 2), commonest(word), COUNT(*)
FROM bids GROUP BY channel HAVING weighted_mean(price, n) > 0;
INSERT INTO retracted SELECT weighted_mean(total, c)
FROM (SELECT channel, SUM(price) AS total, COUNT(*) AS c FROM bids GROUP BY channel);
INSERT INTO windowed SELECT window_end, weighted_mean(price, n)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
