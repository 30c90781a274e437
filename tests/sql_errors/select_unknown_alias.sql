INSERT INTO anything SELECT bids.channel, b.price FROM bids AS b;
