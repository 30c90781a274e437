CREATE TABLE t (price INT) LIKE bids;
