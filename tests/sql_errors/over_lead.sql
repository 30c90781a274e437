INSERT INTO anything SELECT channel, LEAD(price) OVER (PARTITION BY channel ORDER BY ts) FROM bids;
