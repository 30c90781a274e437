INSERT INTO anything SELECT channel, price FROM bids WHERE channel ILIKE 'a%';
