-- UNION of types without a common one.
SELECT auction FROM bids UNION ALL SELECT paid FROM offers
