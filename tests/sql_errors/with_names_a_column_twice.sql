INSERT INTO anything WITH b AS (SELECT price, bidder AS price, channel FROM bids) SELECT channel, channel FROM b;
