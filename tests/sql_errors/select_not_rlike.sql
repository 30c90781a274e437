INSERT INTO anything SELECT channel, price FROM bids WHERE channel NOT RLIKE 'a.*';
