CREATE TABLE t (chanel) WITH ('connector' = 'print') AS SELECT channel FROM bids;
