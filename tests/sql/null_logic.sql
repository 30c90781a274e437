-- Three-valued logic: a comparison with NULL is unknown, and WHERE keeps only what is true.
CREATE TABLE t (id INT, a INT, b BOOLEAN) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');

CREATE TABLE results (id INT, eq BOOLEAN, conj BOOLEAN, disj BOOLEAN, isn BOOLEAN, dist BOOLEAN, c INT, inn BOOLEAN)
WITH ('connector' = 'kafka', 'topic' = 'results', 'format' = 'json');
CREATE TABLE kept (id INT) WITH ('connector' = 'kafka', 'topic' = 'kept', 'format' = 'json');

EXECUTE STATEMENT SET BEGIN
INSERT INTO results
SELECT id, a = 1, b AND a = 1, b OR a = 1, a IS NULL, a IS NOT DISTINCT FROM 1, COALESCE(a, -1), a IN (1, NULL)
FROM t;
INSERT INTO kept SELECT id FROM t WHERE b IS NOT TRUE AND a <> 1;
END;
