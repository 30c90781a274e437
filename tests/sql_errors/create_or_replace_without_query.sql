CREATE OR REPLACE TABLE t (a INT) WITH ('connector' = 'print');
