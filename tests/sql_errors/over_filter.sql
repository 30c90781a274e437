INSERT INTO anything SELECT channel, MAX(price) FILTER (WHERE price > 1) OVER (PARTITION BY channel ORDER BY ts) FROM bids;
