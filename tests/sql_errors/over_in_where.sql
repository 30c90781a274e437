INSERT INTO anything SELECT channel, price FROM bids WHERE SUM(price) OVER (ORDER BY ts) > 10;
