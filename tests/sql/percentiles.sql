-- PERCENTILE with one fraction, several, a frequency, and DISTINCT.
CREATE TABLE numbers (k STRING, n INT, often INT)
WITH ('connector' = 'kafka', 'topic' = 'numbers', 'format' = 'json');

CREATE TABLE ranks (
  k STRING, middle DOUBLE, quartiles ARRAY<DOUBLE>, weighted DOUBLE, once DOUBLE, PRIMARY KEY (k) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'ranks', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO ranks
SELECT k, PERCENTILE(n, 0.5), PERCENTILE(n, ARRAY[0.25, 1, 0]), PERCENTILE(n, 0.5, often), PERCENTILE(DISTINCT n, 0.5)
FROM numbers GROUP BY k;
