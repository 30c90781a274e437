-- Departure delays by airport and hour, alerts when an airport falls behind, and the rows that came behind the
-- watermark. One statement set: the three results speak of the same rows, read once in one order.
-- This job also keeps the records that are no JSON, in flights.departures.dead-letter; the other jobs skip them.

CREATE TABLE departures (
  id          BIGINT,
  event_time  TIMESTAMP(3),
  delay       INT,
  cancelled   BOOLEAN,
  origin      STRING,
  `topic`     STRING METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset`    BIGINT METADATA VIRTUAL,
  WATERMARK FOR event_time AS event_time - INTERVAL '10' MINUTE
) WITH (
  'connector' = 'kafka',
  'topic' = 'flights.departures',
  'properties.bootstrap.servers' = '${KAFKA}',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'riacho.bad-records' = 'dead-letter'
);

CREATE TABLE delays (
  origin       STRING,
  window_start TIMESTAMP(3),
  departed     BIGINT,
  cancelled    BIGINT,
  mean_delay   DOUBLE,
  max_delay    INT,
  PRIMARY KEY (origin, window_start) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'flights.delays',
  'properties.bootstrap.servers' = '${KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

CREATE TABLE alerts (
  origin       STRING,
  window_start TIMESTAMP(3),
  window_end   TIMESTAMP(3),
  departed     BIGINT,
  mean_delay   DOUBLE,
  PRIMARY KEY (origin, window_start) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'flights.alerts',
  'properties.bootstrap.servers' = '${KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

CREATE TABLE late (
  id          BIGINT,
  origin      STRING,
  event_time  TIMESTAMP(3),
  `watermark` TIMESTAMP(3),
  missed_hour BOOLEAN,
  `topic`     STRING,
  `partition` INT,
  `offset`    BIGINT,
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'flights.late',
  'properties.bootstrap.servers' = '${KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

EXECUTE STATEMENT SET BEGIN

INSERT INTO delays
SELECT
  origin,
  window_start,
  COUNT(*) FILTER (WHERE NOT cancelled),
  COUNT(*) FILTER (WHERE cancelled),
  AVG(CAST(delay AS DOUBLE)),
  MAX(delay)
FROM TABLE(TUMBLE(TABLE departures, DESCRIPTOR(event_time), INTERVAL '1' HOUR))
GROUP BY origin, window_start, window_end;

INSERT INTO alerts
SELECT origin, window_start, window_end, COUNT(delay), AVG(CAST(delay AS DOUBLE))
FROM TABLE(HOP(TABLE departures, DESCRIPTOR(event_time), INTERVAL '5' MINUTE, INTERVAL '30' MINUTE))
GROUP BY origin, window_start, window_end
HAVING COUNT(delay) >= 10 AND AVG(CAST(delay AS DOUBLE)) > 45;

-- An event is late when the watermark has reached it; it misses its hour when that window has closed.
INSERT INTO late
SELECT
  id,
  origin,
  event_time,
  CURRENT_WATERMARK(event_time),
  CURRENT_WATERMARK(event_time) >= FLOOR(event_time TO HOUR) + INTERVAL '1' HOUR - INTERVAL '0.001' SECOND,
  `topic`,
  `partition`,
  `offset`
FROM departures
WHERE CURRENT_WATERMARK(event_time) >= event_time;

END;
