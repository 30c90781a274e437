ALTER TABLE bids DROP prize;
