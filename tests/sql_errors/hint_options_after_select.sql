INSERT INTO anything SELECT /*+ OPTIONS('a' = 'b') */ channel, price FROM bids;
