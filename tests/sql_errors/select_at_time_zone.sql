INSERT INTO anything SELECT channel, price FROM bids WHERE ts AT TIME ZONE 'UTC' > ts;
