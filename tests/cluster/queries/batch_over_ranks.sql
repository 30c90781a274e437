SET 'execution.runtime-mode' = 'batch';
SELECT auction, price, RANK() OVER w, DENSE_RANK() OVER w, ROW_NUMBER() OVER w, PERCENT_RANK() OVER w,
  RANK() OVER (ORDER BY quantity NULLS LAST) FROM bids WINDOW w AS (PARTITION BY auction ORDER BY price)
