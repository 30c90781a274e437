INSERT INTO anything SELECT NULL, price FROM bids;
