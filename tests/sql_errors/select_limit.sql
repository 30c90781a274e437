INSERT INTO anything SELECT channel, price FROM bids LIMIT 10;
