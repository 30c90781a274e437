-- The session's time zone decides how an instant reads as a local time.
SET 'table.local-time-zone' = 'America/Sao_Paulo';
CREATE TABLE events (id INT, instant TIMESTAMP_LTZ(3), local_time TIMESTAMP(3))
WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');
CREATE TABLE results (id INT, local_of_instant TIMESTAMP(3), instant_of_local TIMESTAMP_LTZ(3), h BIGINT, epoch BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');
INSERT INTO results
SELECT id, CAST(instant AS TIMESTAMP(3)), CAST(local_time AS TIMESTAMP_LTZ(3)), EXTRACT(HOUR FROM instant),
       UNIX_TIMESTAMP(CAST(local_time AS STRING))
FROM events;
