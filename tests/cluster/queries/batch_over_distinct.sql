SET 'execution.runtime-mode' = 'batch';
SELECT auction, COUNT(DISTINCT bidder) OVER (PARTITION BY auction) FROM bids
