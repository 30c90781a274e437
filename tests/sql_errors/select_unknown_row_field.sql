INSERT INTO anything SELECT extra.nota, price FROM bids;
