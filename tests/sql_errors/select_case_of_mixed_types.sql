INSERT INTO anything SELECT CASE WHEN price > 1 THEN 'a' ELSE 2 END, price FROM bids;
