INSERT INTO anything SELECT (price - 1) DAY FROM bids;
