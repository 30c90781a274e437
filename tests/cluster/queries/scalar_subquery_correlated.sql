-- A scalar subquery, correlated.
SELECT b.bidder, b.price FROM bids AS b WHERE b.price > (SELECT AVG(o.price) FROM offers AS o WHERE o.auction = b.auction)
