INSERT INTO anything
SELECT channel, price FROM bids WHERE ts > LOCALTIMESTAMP - INTERVAL '5 hours' HOUR;
