INSERT INTO anything SELECT bids.channel, 1 FROM bids JOIN bids ON TRUE;
