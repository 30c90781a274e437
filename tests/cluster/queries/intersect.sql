-- INTERSECT.
SELECT auction, bidder, price FROM bids INTERSECT SELECT auction, bidder, price FROM offers
