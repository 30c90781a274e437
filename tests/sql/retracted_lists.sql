-- The same functions over rows that are replaced and deleted: the earliest of equal values goes.
CREATE TABLE words (id INT, k STRING, w STRING, n INT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'words', 'key.format' = 'json', 'value.format' = 'json');

CREATE TABLE lists (
  k STRING, listed STRING, `all` ARRAY<INT>, `once` ARRAY<STRING>, bag MULTISET<STRING>, `first` STRING, `last` INT,
  middle DOUBLE, elements STRING, spread DOUBLE, PRIMARY KEY (k) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'lists', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO lists
SELECT
  k, LISTAGG(w, '+'), ARRAY_AGG(n), ARRAY_AGG(DISTINCT w), COLLECT(w), FIRST_VALUE(w), LAST_VALUE(n), PERCENTILE(n, 0.5),
  JSON_ARRAYAGG(n NULL ON NULL), VAR_POP(CAST(n AS DOUBLE))
FROM words GROUP BY k;
