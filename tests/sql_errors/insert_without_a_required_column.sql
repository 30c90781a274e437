INSERT INTO strict (name) SELECT channel FROM bids;
