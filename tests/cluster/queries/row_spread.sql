-- The fields of a row, and of a row in it.
SELECT id, r.*, kinds.r.z.* FROM kinds
