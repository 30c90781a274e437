SET 'execution.runtime-mode' = 'batch';
SELECT auction, price FROM bids QUALIFY LEAD(price) OVER (PARTITION BY auction ORDER BY ts) > price
