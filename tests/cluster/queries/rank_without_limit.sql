-- differs: Flink counts the rows up to the last of equal ones; RANK is for a top-N here.
SELECT auction, price, RANK() OVER (PARTITION BY auction ORDER BY price) AS n FROM bids
