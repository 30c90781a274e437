INSERT INTO anything SELECT channel, price FROM bids WHERE price < 9223372036854775808;
