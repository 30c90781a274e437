SET 'execution.runtime-mode' = 'batch';
SELECT auction, LAG(price) OVER w, LAG(price, -1) OVER w, LEAD(quantity, 1, quantity + 1) OVER w, LEAD(bidder, 0) OVER w
FROM bids WINDOW w AS (PARTITION BY auction ORDER BY ts)
