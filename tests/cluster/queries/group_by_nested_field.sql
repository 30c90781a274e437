-- A field of a row as a key.
SELECT r.y AS y, COUNT(*) AS n FROM kinds GROUP BY r.y
