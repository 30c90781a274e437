-- DISTINCT aggregates over updates.
SELECT COUNT(DISTINCT owner) AS a, SUM(DISTINCT balance) AS b, COUNT(DISTINCT branch) FILTER (WHERE balance > 10) AS c FROM accounts
