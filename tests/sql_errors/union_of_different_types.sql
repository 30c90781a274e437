INSERT INTO anything
SELECT channel, price FROM bids
UNION ALL
SELECT id, id FROM people;
