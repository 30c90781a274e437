-- Rows that come behind the watermark by up to 20 seconds change the rows of windows that have closed.
SET 'table.exec.emit.late-fire.enabled' = 'true';
SET 'table.exec.emit.late-fire.delay' = '0 s';
SET 'table.exec.emit.allow-lateness' = '20 s';
CREATE TABLE bids (bidder STRING, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE tumbled (bidder STRING, starts TIMESTAMP(3), n BIGINT, least BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'tumbled', 'format' = 'debezium-json');
CREATE TABLE minutes (starts TIMESTAMP(3), n BIGINT, PRIMARY KEY (starts) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'minutes', 'key.format' = 'json', 'value.format' = 'json');
CREATE VIEW seconds AS
SELECT bidder, TUMBLE_START(ts, INTERVAL '10' SECOND) AS starts, COUNT(*) AS n, MIN(price) AS least
FROM bids GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), bidder;
EXECUTE STATEMENT SET BEGIN
INSERT INTO tumbled SELECT * FROM seconds;
INSERT INTO minutes SELECT FLOOR(starts TO MINUTE), SUM(n) FROM seconds GROUP BY FLOOR(starts TO MINUTE);
END;
