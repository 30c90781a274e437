INSERT INTO anything SELECT channel, price AS quarters FROM bids;
