-- Routes and how many of their flights were cancelled so far.

CREATE TABLE departures (
  cancelled BOOLEAN,
  origin    STRING,
  dest      STRING
) WITH (
  'connector' = 'kafka',
  'topic' = 'flights.departures',
  'properties.bootstrap.servers' = '${KAFKA}',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'riacho.bad-records' = 'skip'
);

CREATE TABLE cancelled_routes (
  origin    STRING,
  dest      STRING,
  cancelled BIGINT,
  scheduled BIGINT,
  PRIMARY KEY (origin, dest) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'flights.cancelled_routes',
  'properties.bootstrap.servers' = '${KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

INSERT INTO cancelled_routes
SELECT origin, dest, COUNT(*) FILTER (WHERE cancelled), COUNT(*)
FROM departures
GROUP BY origin, dest
HAVING COUNT(*) FILTER (WHERE cancelled) > 0;
