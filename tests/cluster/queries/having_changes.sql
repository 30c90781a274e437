-- HAVING over a group that comes and goes.
SELECT branch, COUNT(*) AS n FROM accounts GROUP BY branch HAVING COUNT(*) > 1
