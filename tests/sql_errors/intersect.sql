INSERT INTO anything SELECT channel, price FROM bids INTERSECT SELECT name, id FROM people;
