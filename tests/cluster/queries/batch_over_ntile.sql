SET 'execution.runtime-mode' = 'batch';
SELECT auction, price, NTILE(2) OVER (PARTITION BY auction ORDER BY price, ts), NTILE(5) OVER (ORDER BY ts, price),
  NTILE(100) OVER (ORDER BY ts, price) FROM bids
