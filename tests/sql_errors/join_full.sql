INSERT INTO anything
SELECT name, price FROM bids FULL JOIN people ON bidder = id;
