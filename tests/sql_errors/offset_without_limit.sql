INSERT INTO anything SELECT channel, price FROM bids ORDER BY price OFFSET 3 ROWS;
