-- The first row of each key by processing time is only ever added.
CREATE TABLE events (id INT, body ROW<name STRING, tags ARRAY<INT>>, arrived AS PROCTIME())
WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');
CREATE TABLE once (id INT, name STRING) WITH ('connector' = 'kafka', 'topic' = 'once', 'format' = 'json');
CREATE TABLE newest (id INT, body ROW<name STRING, tags ARRAY<INT>>, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'newest', 'key.format' = 'json', 'value.format' = 'json');

EXECUTE STATEMENT SET BEGIN
INSERT INTO once SELECT id, body.name
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY arrived) AS n FROM events) WHERE n = 1;
INSERT INTO newest SELECT id, body
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY arrived DESC) AS n FROM events) WHERE n = 1;
END;
