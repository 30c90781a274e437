SET 'execution.runtime-mode' = 'batch';
SELECT auction, LISTAGG(bidder) OVER (PARTITION BY auction ORDER BY ts), ARRAY_AGG(bidder) OVER (PARTITION BY auction ORDER BY ts)
FROM bids
