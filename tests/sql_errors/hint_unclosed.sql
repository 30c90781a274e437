INSERT INTO anything SELECT /*+ BROADCAST(bids */ channel, price FROM bids;
