INSERT INTO anything SELECT UPER(channel), price FROM bids;
