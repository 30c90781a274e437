-- Text after the query.
SELECT id FROM kinds kinds2 extra
