INSERT INTO anything SELECT value, price FROM bids;
