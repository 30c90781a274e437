CREATE TABLE t (a INT) WITH ('conector' = 'kafka');
