CREATE TEMPORARY TABLE bids (a INT) WITH ('connector' = 'print'); DROP TABLE bids;
