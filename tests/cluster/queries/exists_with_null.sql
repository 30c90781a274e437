-- EXISTS and NOT IN beside NULL.
-- plan differs: a subquery in a condition with OR is a mark join; Flink joins with totals.
SELECT id FROM auctions WHERE id NOT IN (SELECT auction FROM bids WHERE auction IS NOT NULL) OR EXISTS (SELECT 1 FROM offers WHERE offers.auction = auctions.id AND offers.price > 10)
