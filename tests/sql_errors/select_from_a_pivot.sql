INSERT INTO anything SELECT * FROM bids PIVOT (SUM(price) FOR channel IN ('a', 'b'));
