INSERT INTO anything SELECT channel, price::BIGINT FROM bids;
