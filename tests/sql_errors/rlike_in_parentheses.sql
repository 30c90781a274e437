EXPLAIN SELECT price FROM bids WHERE (channel RLIKE 'a.*') AND price > 1;
