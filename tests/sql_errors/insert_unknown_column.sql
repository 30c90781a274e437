INSERT INTO anything (channel, totl) SELECT channel, price FROM bids;
