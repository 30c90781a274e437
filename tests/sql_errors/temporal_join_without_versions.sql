INSERT INTO anything
SELECT name, price FROM bids JOIN people FOR SYSTEM_TIME AS OF bids.ts AS p ON bidder = id;
