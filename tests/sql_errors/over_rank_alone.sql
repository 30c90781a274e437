INSERT INTO anything SELECT channel, RANK() OVER (PARTITION BY channel ORDER BY ts) FROM bids;
