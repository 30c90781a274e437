-- The flights that have departed and not yet arrived: a row appears with a departure and goes with its arrival.
-- `published_ms` is when the departure was published (machine time): the page subtracts it from its own clock.

CREATE TABLE departures (
  id           BIGINT,
  event_time   TIMESTAMP(3),
  delay        INT,
  cancelled    BOOLEAN,
  carrier      STRING,
  flight       INT,
  origin       STRING,
  dest         STRING,
  distance     INT,
  published_ms BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = 'flights.departures',
  'properties.bootstrap.servers' = '${KAFKA}',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'riacho.bad-records' = 'skip'
);

CREATE TABLE arrivals (
  id         BIGINT,
  event_time TIMESTAMP(3)
) WITH (
  'connector' = 'kafka',
  'topic' = 'flights.arrivals',
  'properties.bootstrap.servers' = '${KAFKA}',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'riacho.bad-records' = 'dead-letter'
);

CREATE TABLE in_the_air (
  id           BIGINT,
  departed     TIMESTAMP(3),
  delay        INT,
  carrier      STRING,
  flight       INT,
  origin       STRING,
  dest         STRING,
  distance     INT,
  published_ms BIGINT,
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'flights.in_the_air',
  'properties.bootstrap.servers' = '${KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

INSERT INTO in_the_air
SELECT d.id, d.event_time, d.delay, d.carrier, d.flight, d.origin, d.dest, d.distance, d.published_ms
FROM departures AS d
LEFT JOIN arrivals AS a ON d.id = a.id
WHERE NOT d.cancelled AND a.id IS NULL;
