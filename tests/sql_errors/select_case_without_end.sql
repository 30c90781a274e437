INSERT INTO anything SELECT CASE WHEN price > 1 THEN 'a', price FROM bids;
