CREATE TABLE t (a INT) WITH ('connector' = 'datagen');
CREATE TABLE o (a INT) WITH ('connector' = 'print');
INSERT INTO o WITH RECURSIVE first_ones AS (SELECT a FROM t), others AS (SELECT a + 1 AS b FROM first_ones) SELECT b FROM others;
