CREATE TABLE t (a INT FIRST) WITH ('connector' = 'print');
