INSERT INTO expensive SELECT * FROM bids;
