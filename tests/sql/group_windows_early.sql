-- Every row is answered before its window closes; a row too late for all its windows is dropped.
SET 'table.exec.emit.early-fire.enabled' = 'true';
SET 'table.exec.emit.early-fire.delay' = '0 s';
CREATE TABLE bids (bidder STRING, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json');
CREATE TABLE tumbled (bidder STRING, starts TIMESTAMP(3), n BIGINT, names STRING)
WITH ('connector' = 'kafka', 'topic' = 'tumbled', 'format' = 'debezium-json');
CREATE TABLE hopped (starts TIMESTAMP(3), ends TIMESTAMP(3), total BIGINT, PRIMARY KEY (starts, ends) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'hopped', 'key.format' = 'json', 'value.format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO tumbled
SELECT bidder, TUMBLE_START(ts, INTERVAL '10' SECOND), COUNT(*), LISTAGG(CAST(price AS STRING))
FROM bids GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), bidder;
INSERT INTO hopped
SELECT HOP_START(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND), HOP_END(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND), SUM(price)
FROM bids GROUP BY HOP(ts, INTERVAL '10' SECOND, INTERVAL '20' SECOND);
END;
