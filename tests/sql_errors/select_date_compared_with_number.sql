INSERT INTO anything SELECT channel, price FROM bids WHERE ts > 5;
