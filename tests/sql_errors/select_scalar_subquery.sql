INSERT INTO anything SELECT channel, (SELECT MAX(price) FROM bids) FROM bids;
