INSERT INTO anything SELECT channel, price FROM bids WHERE bidder IN (SELECT name FROM people);
