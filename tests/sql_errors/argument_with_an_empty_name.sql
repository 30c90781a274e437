EXPLAIN SELECT SPLIT_INDEX(channel, '' => ',', 1) FROM bids;
