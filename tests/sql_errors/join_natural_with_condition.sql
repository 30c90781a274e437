INSERT INTO anything SELECT name, price FROM bids NATURAL JOIN people ON bidder = id;
