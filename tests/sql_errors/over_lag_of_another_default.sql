INSERT INTO anything SELECT channel, LAG(auction, 1, 0) OVER (PARTITION BY channel ORDER BY ts) FROM bids;
