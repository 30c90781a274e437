INSERT INTO anything SELECT channel, GROUPING(channel) FROM bids;
