INSERT INTO anything SELECT channel, CARDINALITY(MAP['a', NULL, 'b', 1]) FROM bids;
