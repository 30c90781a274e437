-- A union of what has no common type.
SELECT da FROM kinds UNION ALL SELECT b FROM kinds
