INSERT INTO anything SELECT UPPER(price), price FROM bids;
