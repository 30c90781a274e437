INSERT INTO anything SELECT channel, CAST(price AS BIGINT NOT NULL) FROM bids;
