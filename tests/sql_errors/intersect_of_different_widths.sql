INSERT INTO anything SELECT channel, price FROM bids INTERSECT ALL SELECT name FROM people;
