EXPLAIN SELECT price FROM bids WHERE price <=> NULL;
