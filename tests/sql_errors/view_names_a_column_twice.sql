CREATE VIEW both_prices AS SELECT price, bidder AS price FROM bids;
