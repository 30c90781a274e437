INSERT INTO anything
SELECT Channel, price FROM bids;
