-- A stream's aggregate of nothing is no row.
SELECT COUNT(*) AS n, SUM(n) AS s FROM nothing
