-- VAR_SAMP of integers, decimals and doubles.
SELECT branch, VAR_SAMP(balance) AS a FROM accounts GROUP BY branch
