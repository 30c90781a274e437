INSERT INTO anything
SELECT channel, price FROM bids WHERE EXISTS (SELECT 1 FROM people AS p WHERE p.id = biddr);
