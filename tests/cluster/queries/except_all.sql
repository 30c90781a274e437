-- EXCEPT ALL counts duplicates.
SELECT auction, bidder FROM bids EXCEPT ALL SELECT auction, bidder FROM offers
