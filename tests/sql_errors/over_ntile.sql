INSERT INTO anything SELECT channel, NTILE(4) OVER (PARTITION BY channel ORDER BY ts) FROM bids;
