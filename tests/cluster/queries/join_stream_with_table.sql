-- A stream with a table that changes.
SELECT b.bidder, a.balance FROM bids AS b JOIN accounts AS a ON b.bidder = a.owner WHERE b.auction = 3
