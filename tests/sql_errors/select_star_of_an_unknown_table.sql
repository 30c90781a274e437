INSERT INTO totals SELECT b.* FROM bids;
