-- OVER in another order than that of time, over rows that change.
SELECT id, SUM(balance) OVER (PARTITION BY branch ORDER BY id) AS s FROM accounts
