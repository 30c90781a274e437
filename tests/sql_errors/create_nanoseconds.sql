CREATE TABLE t (a TIMESTAMP(9)) WITH ('connector' = 'print');
