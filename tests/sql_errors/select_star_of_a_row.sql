INSERT INTO totals SELECT extra.* FROM bids;
