INSERT INTO anything SELECT channel, price FROM bids WHERE bidder IN (SELECT id, name FROM people);
