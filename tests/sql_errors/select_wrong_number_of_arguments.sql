INSERT INTO anything SELECT UPPER(channel, 'x'), price FROM bids;
