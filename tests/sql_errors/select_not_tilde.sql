EXPLAIN SELECT price FROM bids WHERE (channel !~ 'a.*');
