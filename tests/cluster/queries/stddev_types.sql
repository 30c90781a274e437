-- STDDEV of integers, decimals and doubles.
SELECT branch, STDDEV(balance) AS a FROM accounts GROUP BY branch
