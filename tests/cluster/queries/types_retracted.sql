-- Aggregates of rows that are taken back.
SELECT branch, SUM(balance) AS a, AVG(balance) AS b, MIN(balance) AS c, MAX(owner) AS d, COUNT(owner) AS e, COUNT(DISTINCT owner) AS f1 FROM accounts GROUP BY branch
