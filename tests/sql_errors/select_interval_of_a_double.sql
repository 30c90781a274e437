INSERT INTO anything SELECT channel, price FROM bids WHERE ts > LOCALTIMESTAMP - INTERVAL (price * 1e0) DAY;
