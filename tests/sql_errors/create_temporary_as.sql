CREATE TEMPORARY TABLE t WITH ('connector' = 'print') AS SELECT price FROM bids;
