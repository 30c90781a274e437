INSERT INTO anything SELECT /*+ BROADCAST(peple) */ channel, price FROM bids JOIN people ON bidder = id;
