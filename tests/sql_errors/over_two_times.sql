INSERT INTO anything SELECT channel, SUM(price) OVER (PARTITION BY channel ORDER BY ts, price) FROM bids;
