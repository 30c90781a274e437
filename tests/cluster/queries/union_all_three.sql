-- Three branches, one of them a constant.
SELECT bidder AS x, 1 AS y FROM bids UNION ALL SELECT bidder, 2 FROM offers UNION ALL SELECT 'z', 3 FROM kinds
