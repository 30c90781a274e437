-- CASE, IF, NULLIF, COALESCE, GREATEST, BETWEEN.
CREATE TABLE t (a INT, b INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (a INT, searched STRING, simple STRING, i INT, n INT, c INT, g INT, btw BOOLEAN)
WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r
SELECT a, CASE WHEN a > b THEN 'more' WHEN a = b THEN 'same' ELSE 'less or unknown' END,
       CASE a WHEN 1 THEN 'one' WHEN 2 THEN 'two' END, IF(a > 1, 10, 20), NULLIF(a, b), COALESCE(a, b, 0),
       GREATEST(a, b, 2), a BETWEEN 1 AND b
FROM t;
