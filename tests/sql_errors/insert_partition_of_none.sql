INSERT INTO anything PARTITION (channel = 'a') SELECT price FROM bids;
