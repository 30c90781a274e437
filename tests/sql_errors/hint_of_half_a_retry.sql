INSERT INTO anything SELECT /*+ LOOKUP('table' = 'bids', 'retry-predicate' = 'lookup_miss', 'max-attempts' = '3') */ channel, price FROM bids;
