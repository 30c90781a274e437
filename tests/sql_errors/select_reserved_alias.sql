INSERT INTO anything SELECT channel AS value, price FROM bids;
