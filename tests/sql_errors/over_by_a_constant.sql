INSERT INTO anything SELECT channel, SUM(price) OVER (PARTITION BY channel ORDER BY 1) FROM bids;
