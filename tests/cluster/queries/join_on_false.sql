-- A condition that never holds.
-- changelog differs: Flink leaves a join out whose condition is false.
-- plan differs: Flink leaves a join out whose condition is false.
SELECT b.bidder, a.id FROM offers AS b LEFT JOIN auctions AS a ON FALSE
