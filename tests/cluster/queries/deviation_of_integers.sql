-- Deviation and variance of integers are integers.
SELECT paid, STDDEV_POP(quantity) AS a, VAR_POP(quantity) AS b, VAR_SAMP(CAST(quantity AS DOUBLE)) AS c FROM bids WHERE quantity < 100 GROUP BY paid
