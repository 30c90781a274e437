-- Flink's casts: truncation, rounding, wrapping, text to everything and back; TRY_CAST gives NULL.
CREATE TABLE texts (id INT, t STRING) WITH ('connector' = 'kafka', 'topic' = 'texts', 'format' = 'json');

CREATE TABLE results (
  id INT, i INT, d DECIMAL(6, 2), f DOUBLE, b BOOLEAN, dt DATE, ts TIMESTAMP(3), v STRING, tiny TINYINT
) WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');

INSERT INTO results
SELECT
  id, TRY_CAST(t AS INT), TRY_CAST(t AS DECIMAL(6, 2)), TRY_CAST(t AS DOUBLE), TRY_CAST(t AS BOOLEAN),
  TRY_CAST(t AS DATE), TRY_CAST(t AS TIMESTAMP(3)), CAST(id * 1.50 AS STRING), CAST(id * 100 AS TINYINT)
FROM texts;
