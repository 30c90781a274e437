INSERT INTO anything SELECT U&'caf\00e' FROM bids;
