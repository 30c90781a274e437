INSERT INTO anything SELECT channel, TRY_CAST(price AS BIGINT NULL) FROM bids;
