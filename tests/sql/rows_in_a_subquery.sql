-- ROW(a, b) before IN is the row (a, b), and so is one that stands alone in VALUES.
CREATE TABLE r (a INT, b STRING, kind STRING) WITH ('connector' = 'print');
CREATE VIEW t AS SELECT * FROM (VALUES (ROW(1, 'x')), (2, 'y'), ROW(3, CAST(NULL AS STRING)), (4, 'z')) AS t (a, b);
CREATE VIEW s AS SELECT * FROM (VALUES (1, 'x'), (2, 'x'), (4, 'z')) AS s (a, b);
INSERT INTO r
SELECT a, b, 'in' FROM t WHERE ROW(a, b) IN (SELECT a, b FROM s)
UNION ALL SELECT a, b, 'not in' FROM t WHERE ROW(a, b) NOT IN (SELECT a, b FROM s)
UNION ALL SELECT a, b, 'some' FROM t WHERE ROW(a, b) = SOME (SELECT a, b FROM s)
UNION ALL SELECT a, b, 'of one' FROM t WHERE ROW(a) IN (SELECT a FROM s WHERE b = 'x');
