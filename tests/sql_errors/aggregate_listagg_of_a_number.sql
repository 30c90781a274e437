INSERT INTO anything SELECT LISTAGG(price), COUNT(*) FROM bids;
