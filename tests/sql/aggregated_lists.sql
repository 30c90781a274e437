-- LISTAGG, ARRAY_AGG, COLLECT and their like over rows that are only added: in the order of arrival.
CREATE TABLE words (k STRING, w STRING, n INT)
WITH ('connector' = 'kafka', 'topic' = 'words', 'format' = 'json');

CREATE TABLE lists (
  k STRING, listed STRING, dashed STRING, `once` STRING, `all` ARRAY<STRING>, present ARRAY<STRING>, `set` ARRAY<STRING>,
  bag MULTISET<STRING>, one_each MULTISET<STRING>, `first` STRING, `last` STRING, high STRING, PRIMARY KEY (k) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'lists', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO lists
SELECT
  k, LISTAGG(w), LISTAGG(w, ' - '), LISTAGG(DISTINCT w, ''), ARRAY_AGG(w), ARRAY_AGG(w) IGNORE NULLS, ARRAY_AGG(DISTINCT w),
  COLLECT(w), COLLECT(DISTINCT w), FIRST_VALUE(w), LAST_VALUE(w), LISTAGG(w) FILTER (WHERE n > 2)
FROM words GROUP BY k;
