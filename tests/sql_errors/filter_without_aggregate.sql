INSERT INTO anything SELECT UPPER(channel) FILTER (WHERE price > 1), price FROM bids;
