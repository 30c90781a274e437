CREATE TABLE rates (k BIGINT, rate BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'rates', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO anything
SELECT channel, rate FROM bids JOIN rates FOR SYSTEM_TIME AS OF bids.ts AS r ON price = rate;
