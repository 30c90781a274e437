INSERT INTO totals SELECT extra.code.* FROM bids;
