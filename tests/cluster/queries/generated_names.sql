-- Names of columns that have none.
SELECT auction, price * 2, COUNT(*) FROM bids GROUP BY auction, price * 2
