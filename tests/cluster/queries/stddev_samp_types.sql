-- STDDEV_SAMP of integers, decimals and doubles.
SELECT branch, STDDEV_SAMP(balance) AS a FROM accounts GROUP BY branch
