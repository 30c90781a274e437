-- INTERSECT binds tighter than UNION.
-- changelog differs: the rows of INTERSECT are made different before they are joined here, in Flink after.
-- plan differs: the rows of INTERSECT are made different before they are joined; in Flink after.
SELECT auction FROM bids UNION SELECT auction FROM offers INTERSECT SELECT id FROM auctions
