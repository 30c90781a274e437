INSERT INTO anything SELECT (1 = 1) = 'true' FROM bids;
