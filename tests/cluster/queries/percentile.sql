-- PERCENTILE of numbers.
SELECT auction, PERCENTILE(quantity, 0.5) AS a FROM bids GROUP BY auction
