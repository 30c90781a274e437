INSERT INTO anything SELECT /*+ STATE_TTL('bids' = 'a while') */ channel, price FROM bids;
