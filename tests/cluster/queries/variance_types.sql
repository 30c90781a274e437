-- VARIANCE of integers, decimals and doubles.
SELECT branch, VARIANCE(balance) AS a FROM accounts GROUP BY branch
