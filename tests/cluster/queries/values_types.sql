-- The common types of VALUES' rows.
SELECT * FROM (VALUES (1, 1.5, 'a'), (3000000000, 2, 'long'), (5, 2.25, CAST(NULL AS STRING))) AS t(x, y, z)
