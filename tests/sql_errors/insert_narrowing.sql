CREATE TABLE small (n INT) WITH ('connector' = 'print');
INSERT INTO small SELECT price FROM bids;
