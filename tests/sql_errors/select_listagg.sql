INSERT INTO anything SELECT LISTAGG(channel), COUNT(*) FROM bids;
