INSERT INTO anything SELECT channel, price FROM bids WHERE SUM(price) > 5;
