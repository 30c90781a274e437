EXPLAIN SELECT price ^ 2 FROM bids;
