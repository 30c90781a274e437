INSERT INTO anything
SELECT channel, price FROM bids
UNION ALL
SELECT name FROM people;
