CREATE TABLE shop.t (a INT) WITH ('connector' = 'print');
