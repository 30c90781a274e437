-- A subquery in a subquery.
SELECT a.id, a.category FROM auctions AS a WHERE EXISTS (SELECT * FROM bids AS b WHERE b.auction = a.id AND b.bidder IN (SELECT o.bidder FROM offers AS o WHERE o.paid))
