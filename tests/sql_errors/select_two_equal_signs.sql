EXPLAIN SELECT price FROM bids WHERE price == 1;
