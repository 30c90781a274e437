INSERT INTO totals
SELECT p.name, b.price FROM bids AS b LEFT JOIN people AS p ON b.bidder = p.id;
