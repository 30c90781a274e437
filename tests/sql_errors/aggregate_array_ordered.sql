INSERT INTO anything SELECT LISTAGG(channel ORDER BY price), COUNT(*) FROM bids;
