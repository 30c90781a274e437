-- A scalar subquery in SELECT.
SELECT id, (SELECT MAX(price) FROM bids) AS most FROM auctions
