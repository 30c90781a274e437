INSERT INTO anything SELECT channel, price FROM bids WHERE extra IN (SELECT extra FROM bids);
