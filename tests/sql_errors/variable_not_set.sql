CREATE TABLE t (a INT) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '${KAFKA}'
);
