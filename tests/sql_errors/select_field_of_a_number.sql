INSERT INTO anything SELECT channel, price.amount FROM bids;
