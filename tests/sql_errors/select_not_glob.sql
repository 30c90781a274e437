EXPLAIN SELECT price FROM bids WHERE (channel NOT GLOB 'a*');
