-- differs: Flink keeps results where it needs accumulators, and fails at the second row.
SELECT auction, price, AVG(quantity) OVER w AS q FROM bids WINDOW w AS (PARTITION BY auction ORDER BY price ROWS UNBOUNDED PRECEDING)
