INSERT INTO anything SELECT channel, price FROM bids WHERE price IN (1, 'x');
