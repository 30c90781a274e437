INSERT INTO anything SELECT channel, price FROM bids EXCEPT SELECT id, name FROM people;
