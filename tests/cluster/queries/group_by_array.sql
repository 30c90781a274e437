-- An array as a key.
SELECT texts, COUNT(*) AS n FROM kinds GROUP BY texts
