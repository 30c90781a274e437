-- Windows as they were written before there were table functions; the row time of one is that of another's rows.
CREATE TABLE bids (bidder STRING, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE tumbled (bidder STRING, starts TIMESTAMP(3), ends TIMESTAMP(3), n BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'tumbled', 'format' = 'json');
CREATE TABLE hopped (ends TIMESTAMP(3), total BIGINT, bidders BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'hopped', 'format' = 'json');
CREATE TABLE visits (who STRING, starts TIMESTAMP(3), ends TIMESTAMP(3), n BIGINT, different BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'visits', 'format' = 'json');
CREATE TABLE minutes (starts TIMESTAMP(3), most BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'minutes', 'format' = 'json');
CREATE VIEW seconds AS
SELECT TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND) AS rt, COUNT(*) AS n
FROM bids GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
EXECUTE STATEMENT SET BEGIN
INSERT INTO tumbled
SELECT bidder, TUMBLE_START(ts, INTERVAL '10' SECOND), TUMBLE_END(ts, INTERVAL '10' SECOND), COUNT(*)
FROM bids GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), bidder HAVING COUNT(*) > 1;
INSERT INTO hopped
SELECT HOP_END(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND), SUM(price), COUNT(DISTINCT bidder)
FROM bids WHERE price > 0 GROUP BY HOP(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND);
INSERT INTO visits
SELECT UPPER(bidder), SESSION_START(ts, INTERVAL '5' SECOND), SESSION_END(ts, INTERVAL '5' SECOND), COUNT(*), COUNT(DISTINCT price)
FROM bids GROUP BY UPPER(bidder), SESSION(ts, INTERVAL '5' SECOND);
INSERT INTO minutes
SELECT TUMBLE_START(rt, INTERVAL '1' MINUTE), MAX(n) FROM seconds GROUP BY TUMBLE(rt, INTERVAL '1' MINUTE);
END;
