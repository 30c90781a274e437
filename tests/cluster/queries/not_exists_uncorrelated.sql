-- NOT EXISTS that does not look at the row.
-- changelog differs: the subquery is an anti join with its rows here; Flink joins with a total of them.
SELECT id FROM auctions WHERE NOT EXISTS (SELECT 1 FROM nothing)
