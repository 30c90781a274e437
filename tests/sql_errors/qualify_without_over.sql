INSERT INTO anything SELECT channel, price FROM bids QUALIFY price > 1;
