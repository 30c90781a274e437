INSERT INTO anything SELECT channel, price FROM bids WHERE ts > ts - INTERVAL '1' DAY(11);
