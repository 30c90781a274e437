INSERT INTO anything
SELECT name, price FROM bids LEFT JOIN people ON bidder = id AND EXISTS (SELECT 1 FROM people);
