ALTER TABLE bids RENAME TO archive.bids;
