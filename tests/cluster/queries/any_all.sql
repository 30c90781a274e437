-- ANY and ALL.
-- changelog differs: the subquery is an anti join with its rows here; Flink joins with its totals.
-- plan differs: a subquery is an anti join with its rows; Flink joins with its totals.
SELECT id FROM auctions AS a WHERE a.reserve <= ALL (SELECT o.price FROM offers AS o WHERE o.auction = a.id AND o.price IS NOT NULL)
