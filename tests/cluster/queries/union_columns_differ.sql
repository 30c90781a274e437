-- UNION of different numbers of columns.
SELECT auction FROM bids UNION ALL SELECT auction, bidder FROM offers
