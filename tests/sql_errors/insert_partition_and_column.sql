INSERT INTO daily PARTITION (bits = TRUE) (n, bits) SELECT 1, TRUE FROM bids;
