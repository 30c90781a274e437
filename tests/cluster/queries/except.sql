-- EXCEPT.
SELECT auction, bidder FROM bids EXCEPT SELECT auction, bidder FROM offers
