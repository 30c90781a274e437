-- UNION of duplicates and NULLs.
SELECT auction, bidder FROM bids UNION SELECT auction, bidder FROM offers
