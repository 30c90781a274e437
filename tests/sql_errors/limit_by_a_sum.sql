INSERT INTO anything SELECT channel, price FROM bids LIMIT 1 + 1;
