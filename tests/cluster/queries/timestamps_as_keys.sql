-- Instants and timestamps as keys.
SELECT ts, ltz, COUNT(*) AS n FROM kinds GROUP BY ts, ltz
