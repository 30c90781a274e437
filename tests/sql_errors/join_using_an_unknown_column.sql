INSERT INTO anything SELECT name, price FROM bids JOIN people USING (id);
