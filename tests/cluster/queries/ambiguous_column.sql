-- A name of two tables.
SELECT auction FROM bids AS b JOIN offers AS o ON b.auction = o.auction
