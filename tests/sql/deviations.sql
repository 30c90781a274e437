-- STDDEV and VAR: of integers and decimals as Flink puts them together, which wraps; of DOUBLE without loss.
CREATE TABLE numbers (k STRING, i INT, t TINYINT, d DECIMAL(10, 2), x DOUBLE, f FLOAT)
WITH ('connector' = 'kafka', 'topic' = 'numbers', 'format' = 'json');

CREATE TABLE deviations (
  k STRING, ip INT, iv INT, isa INT, tp TINYINT, tv TINYINT, dp DECIMAL(38, 6), dv DECIMAL(38, 6), ds DECIMAL(38, 6),
  xp DOUBLE, xv DOUBLE, fs FLOAT, PRIMARY KEY (k) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'deviations', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO deviations
SELECT
  k, STDDEV_POP(i), VAR_SAMP(i), STDDEV(i), STDDEV_POP(t), VAR_SAMP(t), STDDEV_POP(d), VARIANCE(d), STDDEV_SAMP(d),
  STDDEV_POP(x), VAR_SAMP(x), STDDEV(f)
FROM numbers GROUP BY k;
