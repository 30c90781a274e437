INSERT INTO anything SELECT channel, price FROM bids FETCH FIRST 3 ROWS;
