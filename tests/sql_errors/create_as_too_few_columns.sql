CREATE TABLE t (channel) WITH ('connector' = 'print') AS SELECT channel, price FROM bids;
