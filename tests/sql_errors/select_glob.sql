EXPLAIN SELECT price FROM bids WHERE channel GLOB 'a*';
