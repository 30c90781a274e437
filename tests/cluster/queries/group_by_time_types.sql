-- Dates and times as keys.
SELECT da, ti0, COUNT(*) AS n FROM kinds GROUP BY da, ti0
