INSERT INTO anything
SELECT channel, SUM(price) OVER (PARTITION BY channel ORDER BY ts) + COUNT(*) OVER (ORDER BY ts) FROM bids;
