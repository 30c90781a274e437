-- (a, b) = (c, d) is NULL where a field is, also as a join's condition and in a correlated subquery: nothing meets.
CREATE TABLE l (id INT, k STRING, j INT) WITH ('connector' = 'kafka', 'topic' = 'l', 'format' = 'json');
CREATE TABLE r (k STRING, j INT, v INT) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
CREATE TABLE joined (id INT, v INT) WITH ('connector' = 'kafka', 'topic' = 'joined', 'format' = 'debezium-json');
CREATE TABLE counted (id INT, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'counted', 'format' = 'debezium-json');
BEGIN STATEMENT SET;
INSERT INTO joined SELECT l.id, r.v FROM l LEFT JOIN r ON (l.k, l.j) = (r.k, r.j);
INSERT INTO counted SELECT id, (SELECT COUNT(*) FROM r WHERE ROW(r.k, r.j) = ROW(l.k, l.j)) FROM l;
END;
