INSERT INTO anything SELECT channel, price FROM bids
INSERT INTO totals SELECT channel, price FROM bids;
