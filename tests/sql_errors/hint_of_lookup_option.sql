INSERT INTO anything SELECT /*+ LOOKUP('table' = 'bids', 'asynch' = 'true') */ channel, price FROM bids;
