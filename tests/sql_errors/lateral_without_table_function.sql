INSERT INTO anything SELECT a, price FROM bids, LATERAL TABLE(UPPER(channel)) AS t (a);
