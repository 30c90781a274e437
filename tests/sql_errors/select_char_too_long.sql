INSERT INTO anything SELECT CAST(channel AS CHAR(2147483647)), price FROM bids;
