-- differs: OVER in another order than that of time is refused, but for a top-N.
SELECT auction, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price) AS rn FROM bids
