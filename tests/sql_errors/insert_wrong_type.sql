INSERT INTO anything SELECT channel, ts FROM bids;
