INSERT INTO anything SELECT a, b FROM hive.x.bids;
