-- Parentheses around set operations.
(SELECT auction FROM bids EXCEPT SELECT auction FROM offers) UNION ALL SELECT id FROM auctions
