-- Running totals per airline, over the year so far and by day: every departure changes its airline's rows.

CREATE TABLE departures (
  `day`     DATE,
  delay     INT,
  cancelled BOOLEAN,
  carrier   STRING,
  distance  INT
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

CREATE TABLE airline_totals (
  carrier    STRING,
  name       STRING,
  departed   BIGINT,
  cancelled  BIGINT,
  miles      BIGINT,
  mean_delay DOUBLE,
  PRIMARY KEY (carrier) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'flights.airline_totals',
  'properties.bootstrap.servers' = '${KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

CREATE TABLE airline_days (
  `day`      DATE,
  carrier    STRING,
  departed   BIGINT,
  cancelled  BIGINT,
  mean_delay DOUBLE,
  PRIMARY KEY (`day`, carrier) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'flights.airline_days',
  'properties.bootstrap.servers' = '${KAFKA}',
  'key.format' = 'json',
  'value.format' = 'json'
);

CREATE VIEW totals AS
SELECT
  carrier,
  COUNT(*) FILTER (WHERE NOT cancelled) AS departed,
  COUNT(*) FILTER (WHERE cancelled) AS cancelled,
  SUM(CAST(distance AS BIGINT)) FILTER (WHERE NOT cancelled) AS miles,
  AVG(CAST(delay AS DOUBLE)) AS mean_delay
FROM departures
GROUP BY carrier;

EXECUTE STATEMENT SET BEGIN

INSERT INTO airline_totals
SELECT t.carrier, a.name, t.departed, t.cancelled, t.miles, t.mean_delay
FROM totals AS t LEFT JOIN airlines AS a ON t.carrier = a.carrier;

INSERT INTO airline_days
SELECT
  `day`,
  carrier,
  COUNT(*) FILTER (WHERE NOT cancelled),
  COUNT(*) FILTER (WHERE cancelled),
  AVG(CAST(delay AS DOUBLE))
FROM departures
GROUP BY `day`, carrier;

END;
