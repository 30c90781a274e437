EXPLAIN SELECT CASE WHEN price = 1, price = 2 THEN 'x' END FROM bids;
