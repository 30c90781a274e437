INSERT INTO anything SELECT channel FROM bids;
