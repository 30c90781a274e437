CREATE TABLE twice (a TIMESTAMP(3), b TIMESTAMP(3)) WITH ('connector' = 'print');
INSERT INTO twice SELECT ts, ts FROM bids;
