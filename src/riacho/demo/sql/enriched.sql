-- Each departure with its place in the log, its airline's name and the weather of its hour, as soon as that is known.

CREATE TABLE departures (
  id          BIGINT,
  event_time  TIMESTAMP(3),
  scheduled   TIMESTAMP(3),
  delay       INT,
  cancelled   BOOLEAN,
  carrier     STRING,
  origin      STRING,
  dest        STRING,
  `topic`     STRING METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset`    BIGINT METADATA VIRTUAL
) WITH (
  'connector' = 'kafka',
  'topic' = 'flights.departures',
  'properties.bootstrap.servers' = '${KAFKA}',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'riacho.bad-records' = 'skip'
);

CREATE TABLE airlines (
  carrier STRING,
  name    STRING,
  PRIMARY KEY (carrier) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'flights.airlines',
  'properties.bootstrap.servers' = '${KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

CREATE TABLE weather (
  event_time    TIMESTAMP(3),
  origin        STRING,
  temperature   DOUBLE,
  wind_speed    DOUBLE,
  precipitation DOUBLE,
  visibility    DOUBLE
) WITH (
  'connector' = 'kafka',
  'topic' = 'flights.weather',
  'properties.bootstrap.servers' = '${KAFKA}',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'riacho.bad-records' = 'dead-letter'
);

CREATE TABLE enriched_departures (
  id            BIGINT,
  event_time    TIMESTAMP(3),
  airline       STRING,
  origin        STRING,
  dest          STRING,
  delay         INT,
  cancelled     BOOLEAN,
  temperature   DOUBLE,
  wind_speed    DOUBLE,
  precipitation DOUBLE,
  visibility    DOUBLE,
  `topic`       STRING,
  `partition`   INT,
  `offset`      BIGINT,
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'flights.enriched_departures',
  'properties.bootstrap.servers' = '${KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

CREATE TABLE weather_by_hour (
  origin        STRING,
  observed      TIMESTAMP(3),
  temperature   DOUBLE,
  wind_speed    DOUBLE,
  precipitation DOUBLE,
  visibility    DOUBLE,
  PRIMARY KEY (origin, observed) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'flights.weather_by_hour',
  'properties.bootstrap.servers' = '${KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

EXECUTE STATEMENT SET BEGIN

INSERT INTO enriched_departures
SELECT
  d.id, d.event_time, a.name, d.origin, d.dest, d.delay, d.cancelled,
  w.temperature, w.wind_speed, w.precipitation, w.visibility, d.`topic`, d.`partition`, d.`offset`
FROM departures AS d
LEFT JOIN airlines AS a ON d.carrier = a.carrier
LEFT JOIN weather AS w ON d.origin = w.origin AND FLOOR(d.scheduled TO HOUR) = w.event_time;

INSERT INTO weather_by_hour
SELECT origin, event_time, temperature, wind_speed, precipitation, visibility
FROM weather;

END;
