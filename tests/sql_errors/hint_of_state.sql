INSERT INTO anything SELECT /*+ STATE_TTL('bids' = '1 d') */ channel, price FROM bids;
