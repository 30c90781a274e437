INSERT INTO anything SELECT /*+ BROADCASTS(bids) */ channel, price FROM bids;
