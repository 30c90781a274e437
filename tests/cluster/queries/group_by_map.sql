-- A map as a key.
SELECT m, COUNT(*) AS n FROM kinds GROUP BY m
