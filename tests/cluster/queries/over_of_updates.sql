-- differs: OVER in another order than that of time is refused.
SELECT id, SUM(balance) OVER (PARTITION BY branch ORDER BY id) AS s FROM accounts
