REPLACE TABLE tottals WITH ('connector' = 'print') AS SELECT price FROM bids;
