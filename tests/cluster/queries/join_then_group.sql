-- A group over an outer join.
SELECT COALESCE(b.city, '?') AS city, COUNT(*) AS n, SUM(a.balance) AS total FROM accounts AS a LEFT JOIN branches AS b ON a.branch = b.id GROUP BY COALESCE(b.city, '?')
