INSERT INTO anything SELECT LISTAGG(channel, channel), COUNT(*) FROM bids;
