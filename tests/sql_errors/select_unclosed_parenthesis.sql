INSERT INTO anything SELECT channel, (price + 1 FROM bids;
