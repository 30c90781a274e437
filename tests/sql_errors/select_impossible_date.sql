INSERT INTO anything SELECT channel, price FROM bids WHERE ts > DATE '2013-02-30';
