ALTER TABLE bids RENAME price TO channel;
