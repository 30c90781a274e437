INSERT INTO anything
SELECT p.name, price FROM bids
JOIN people FOR SYSTEM_TIME AS OF bids.ts AS p ON bidder = p.id;
