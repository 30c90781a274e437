INSERT INTO anything SELECT channel, NULLIF(NULL, price) FROM bids;
