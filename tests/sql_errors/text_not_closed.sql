INSERT INTO anything
SELECT 'abc, price FROM bids;
