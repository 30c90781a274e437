-- Top 1 per branch of a table that changes.
SELECT branch, id, balance FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY branch ORDER BY balance DESC) AS rn FROM accounts) AS t WHERE rn = 1
