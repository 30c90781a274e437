CREATE TABLE t (a MULTISET<INT>) WITH ('connector' = 'print');
