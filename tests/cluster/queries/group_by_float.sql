-- Floating keys.
SELECT f, d, COUNT(*) AS n FROM kinds GROUP BY f, d
