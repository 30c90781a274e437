INSERT INTO anything SELECT X'41' || X'42', price FROM bids;
