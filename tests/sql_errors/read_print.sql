EXPLAIN SELECT a.total FROM bids JOIN anything AS a ON a.channel = bids.channel;
