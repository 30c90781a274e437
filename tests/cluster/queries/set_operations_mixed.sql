-- INTERSECT binds tighter than UNION.
SELECT auction FROM bids UNION SELECT auction FROM offers INTERSECT SELECT id FROM auctions
