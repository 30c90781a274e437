INSERT INTO anything SELECT channel, channel + 1 FROM bids;
