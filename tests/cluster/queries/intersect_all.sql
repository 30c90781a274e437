-- INTERSECT ALL counts duplicates.
SELECT auction, bidder, price FROM bids INTERSECT ALL SELECT auction, bidder, price FROM offers
