-- Every row as it is.
SELECT * FROM bids
