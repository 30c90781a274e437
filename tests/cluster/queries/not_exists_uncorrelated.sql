-- NOT EXISTS that does not look at the row.
-- changelog differs: the subquery is an anti join with its rows here; Flink joins with a total of them.
-- plan differs: a subquery is an anti join with its rows; Flink joins with a total.
SELECT id FROM auctions WHERE NOT EXISTS (SELECT 1 FROM nothing)
