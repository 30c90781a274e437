INSERT INTO anything SELECT channel, price FROM bids WHERE price < 1e400;
