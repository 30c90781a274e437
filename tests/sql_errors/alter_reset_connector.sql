ALTER TABLE bids RESET ('connector');
