-- CHAR(n), VARCHAR(n), BINARY(n) and VARBINARY(n): CAST cuts and fills, also where INSERT INTO casts by itself;
-- what a table declares is believed, so values of the very type that is written stay as they came.
CREATE TABLE t (id INT, fixed CHAR(3), bounded VARCHAR(3), s STRING, b BYTES)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE as_declared (id INT, fixed CHAR(3), bounded VARCHAR(3), wider VARCHAR(4))
WITH ('connector' = 'kafka', 'topic' = 'as_declared', 'format' = 'json');
CREATE TABLE inserted (id INT, cut VARCHAR(2), filled CHAR(5), short VARBINARY(2), nested ROW<a VARCHAR(2), b ARRAY<CHAR(4)>>)
WITH ('connector' = 'kafka', 'topic' = 'inserted', 'format' = 'json');
CREATE TABLE casts (id INT, a CHAR(3), b VARCHAR(3), c BINARY(3), d VARBINARY(3), e CHAR(4), f VARCHAR(4), g STRING)
WITH ('connector' = 'kafka', 'topic' = 'casts', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO as_declared SELECT id, fixed, bounded, bounded FROM t;
INSERT INTO inserted SELECT id, s, 'ab' || 'c', b, ROW(s, ARRAY['x', 'y']) FROM t;
INSERT INTO casts
SELECT id, CAST(s AS CHAR(3)), CAST(s AS VARCHAR(3)), CAST(b AS BINARY(3)), CAST(b AS VARBINARY(3)), CAST(id AS CHAR(4)),
  CAST(CAST(s AS VARCHAR(2)) AS VARCHAR(4)), SUBSTRING(CAST(s AS CHAR(3)), 2)
FROM t;
END;
