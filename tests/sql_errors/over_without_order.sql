INSERT INTO anything SELECT channel, SUM(price) OVER (PARTITION BY channel) FROM bids;
