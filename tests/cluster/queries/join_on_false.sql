-- A condition that never holds.
SELECT b.bidder, a.id FROM offers AS b LEFT JOIN auctions AS a ON FALSE
