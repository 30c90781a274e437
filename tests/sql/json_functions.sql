-- JSON in a string column.
CREATE TABLE t (j STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE r (name STRING, n INT, has_x BOOLEAN, list STRING, ok BOOLEAN)
WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
INSERT INTO r
SELECT JSON_VALUE(j, '$.name'), JSON_VALUE(j, 'lax $.n' RETURNING INT DEFAULT -1 ON EMPTY), JSON_EXISTS(j, '$.x'),
       JSON_QUERY(j, '$.list'), j IS JSON
FROM t;
