INSERT INTO anything SELECT E'a\', price FROM bids;
