INSERT INTO anything SELECT channel, ROW_NUMBER() OVER (PARTITION BY channel ORDER BY price) FROM bids;
