INSERT INTO anything SELECT channel, (SELECT id, name FROM people) FROM bids;
