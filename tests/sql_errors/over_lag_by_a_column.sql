INSERT INTO anything SELECT channel, LAG(price, auction) OVER (PARTITION BY channel ORDER BY ts) FROM bids;
