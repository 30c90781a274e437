INSERT INTO totals
SELECT DISTINCT channel, price FROM bids;
