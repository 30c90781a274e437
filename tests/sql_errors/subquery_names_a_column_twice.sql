INSERT INTO anything SELECT price, channel FROM (SELECT price, bidder AS price, channel FROM bids);
