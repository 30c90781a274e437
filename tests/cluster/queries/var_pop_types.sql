-- VAR_POP of integers, decimals and doubles.
SELECT branch, VAR_POP(balance) AS a FROM accounts GROUP BY branch
