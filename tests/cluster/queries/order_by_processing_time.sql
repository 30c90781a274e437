-- A stream in the order of processing time, in which it comes. (With a column behind it Flink loses what has not come out
-- when the input ends.)
CREATE VIEW arrived AS SELECT auction, price, PROCTIME() AS pt FROM bids;
SELECT auction, price FROM arrived ORDER BY pt
