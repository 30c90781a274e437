CREATE TABLE t (channel INT) WITH ('connector' = 'print') AS SELECT channel FROM bids;
