INSERT INTO anything SELECT * FROM (SELECT price, bidder AS price FROM bids) AS b;
