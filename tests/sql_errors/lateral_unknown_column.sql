INSERT INTO anything SELECT name, price FROM bids, LATERAL (SELECT name FROM people WHERE id = bider) AS p;
