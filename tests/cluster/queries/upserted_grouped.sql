-- Groups over a table whose rows change.
SELECT branch, COUNT(*) AS n, SUM(balance) AS total, MAX(balance) AS most FROM accounts GROUP BY branch
