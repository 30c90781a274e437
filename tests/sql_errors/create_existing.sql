CREATE TABLE bids (a INT) WITH ('connector' = 'print');
