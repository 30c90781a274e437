INSERT INTO anything SELECT channel, price FROM bids ORDER BY ts DESC;
