INSERT INTO anything SELECT channel, CAST(price AS BIGNIT) FROM bids;
