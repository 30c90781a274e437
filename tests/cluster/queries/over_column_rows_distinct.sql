-- differs: Flink counts a value again for each row of it.
SELECT auction, price, COUNT(DISTINCT bidder) OVER w AS n FROM bids WINDOW w AS (PARTITION BY auction ORDER BY price ROWS UNBOUNDED PRECEDING)
