INSERT INTO anything SELECT E'caf\u00e', price FROM bids;
