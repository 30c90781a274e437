CREATE TABLE t (a) WITH ('connector' = 'print');
