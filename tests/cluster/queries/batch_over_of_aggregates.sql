SET 'execution.runtime-mode' = 'batch';
SELECT auction, SUM(COUNT(*)) OVER (ORDER BY auction), RANK() OVER (ORDER BY COUNT(*) DESC) FROM bids GROUP BY auction
