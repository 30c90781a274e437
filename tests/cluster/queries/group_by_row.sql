-- A row as a key.
SELECT r, COUNT(*) AS n FROM kinds GROUP BY r
