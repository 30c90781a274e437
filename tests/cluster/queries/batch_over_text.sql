SET 'execution.runtime-mode' = 'batch';
SELECT SUM(auction) OVER (ORDER BY bidder), COUNT(*) OVER (ORDER BY paid DESC, bidder) FROM bids
