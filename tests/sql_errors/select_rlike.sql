INSERT INTO anything SELECT channel, price FROM bids WHERE channel RLIKE 'a.*';
