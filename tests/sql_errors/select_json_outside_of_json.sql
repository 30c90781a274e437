INSERT INTO anything SELECT JSON(channel), price FROM bids;
