INSERT INTO anything SELECT channel, mydb.tax(price) FROM bids;
