-- The first and the last event of each device by row time. Of equal times the first is the earlier, the last the later.
CREATE TABLE events (device STRING, reading INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '10' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');
CREATE TABLE firsts (device STRING, reading INT, PRIMARY KEY (device) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'firsts', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE lasts (device STRING, reading INT, PRIMARY KEY (device) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'lasts', 'key.format' = 'json', 'value.format' = 'json');

EXECUTE STATEMENT SET BEGIN
INSERT INTO firsts SELECT device, reading
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY device ORDER BY ts) AS n FROM events) WHERE n = 1;
INSERT INTO lasts SELECT device, reading
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY device ORDER BY ts DESC) AS n FROM events) WHERE n <= 1;
END;
