INSERT INTO anything SELECT channel, CAST(ts AS BIGINT) FROM bids;
