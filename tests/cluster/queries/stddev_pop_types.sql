-- STDDEV_POP of integers, decimals and doubles.
SELECT branch, STDDEV_POP(balance) AS a FROM accounts GROUP BY branch
