CREATE TABLE t (a RAW) WITH ('connector' = 'print');
