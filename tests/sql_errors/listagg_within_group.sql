INSERT INTO anything SELECT LISTAGG(channel) WITHIN GROUP (ORDER BY channel), SUM(price) FROM bids;
