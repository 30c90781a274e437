ALTER TABLE bids DROP (channel, extra.code);
