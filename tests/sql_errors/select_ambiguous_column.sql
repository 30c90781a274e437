INSERT INTO anything
SELECT channel, a.price FROM bids AS a JOIN bids AS b ON a.auction = b.auction;
