ALTER TABLE bids DROP (price, ts);
