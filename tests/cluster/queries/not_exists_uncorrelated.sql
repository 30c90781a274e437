-- NOT EXISTS that does not look at the row.
SELECT id FROM auctions WHERE NOT EXISTS (SELECT 1 FROM nothing)
