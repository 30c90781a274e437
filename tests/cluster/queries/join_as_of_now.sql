-- A processing-time temporal join with a table that cannot be looked up.
CREATE VIEW now_bids AS SELECT auction, price, PROCTIME() AS pt FROM bids;
SELECT b.auction, r.owner FROM now_bids AS b JOIN accounts FOR SYSTEM_TIME AS OF b.pt AS r ON CAST(b.auction AS STRING) = r.id
