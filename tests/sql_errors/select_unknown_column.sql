INSERT INTO anything
SELECT chanel, price FROM bids;
