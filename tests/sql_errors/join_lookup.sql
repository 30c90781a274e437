INSERT INTO anything
SELECT name, price FROM (SELECT *, PROCTIME() AS seen FROM bids) AS b
JOIN people FOR SYSTEM_TIME AS OF b.seen AS p ON b.bidder = p.id;
