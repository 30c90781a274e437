INSERT INTO anything SELECT channel, price FROM bids WHERE ts > LOCALTIMESTAMP - INTERVAL ABS(price) DAY;
